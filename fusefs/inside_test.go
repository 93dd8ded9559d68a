//go:build linux

package fusefs

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// inside makes the child's mounts from the descriptors it was given, and runs the
// scenario. The last two are /dev/fuse, where there is one, and one whose closing tells
// that it is mounted; before them is the mount of the kernel's instance.
func inside(name string) int {
	steps := map[kind][]func() error{
		onKernel:  {attachInstance, redirectPtmx},
		onTap:     {attachInstance, mountFile, redirectPtmx},
		onVirtual: {mountTree, redirectTTY, redirectPtmx},
		onEmpty:   {mountTree},
	}[kind(os.Getenv(kindVar))]
	private := func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }
	for _, step := range slices.Concat([]func() error{private}, steps) {
		if err := step(); err != nil {
			fmt.Fprintln(os.Stderr, "making the mounts:", err)
			return 1
		}
	}
	return play(scenarios[name].run, name)
}

func attachInstance() error {
	defer unix.Close(3)
	return unix.MoveMount(3, "", unix.AT_FDCWD, "/dev/pts", unix.MOVE_MOUNT_F_EMPTY_PATH)
}

func mountFile() error { return mountFuse(4, "/dev/pts/ptmx", "100666") }

func mountTree() error { return mountFuse(3, "/dev/pts", "40755") }

func redirectTTY() error { return unix.Mount("/dev/pts/tty", "/dev/tty", "", unix.MS_BIND, "") }

// mountFuse mounts the descriptor fd and closes the one after it, which tells the parent
// that it can serve.
func mountFuse(fd int, where, rootmode string) error {
	opts := fmt.Sprintf("fd=%d,rootmode=%s,user_id=0,group_id=0,allow_other", fd, rootmode)
	err := unix.Mount("ptsns", where, "fuse", unix.MS_NOSUID|unix.MS_NODEV, opts)
	return errors.Join(err, unix.Close(fd), unix.Close(fd+1))
}

func redirectPtmx() error {
	if err := unix.Mount("/dev/pts/ptmx", "/dev/ptmx", "", unix.MS_BIND, ""); err != nil {
		return err
	}
	_, err := os.Stat("/dev/ptmx")
	return err
}
