package paths_test

import (
	"fmt"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/paths"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// The container start-up of the kernel's document of devpts, with the kernels for which it
// was written:
//
//	$ chmod 0666 /dev/pts/ptmx
//	$ rm /dev/ptmx
//	$ ln -s pts/ptmx /dev/ptmx
//	$ ns_exec -cm /bin/bash
//	$ umount /dev/pts
//	$ mount -t devpts -o newinstance lxcpts /dev/pts
//	$ sshd -p 1234
func Example() {
	host := paths.New(devpts.NewSystem(devpts.Config{Generation: devpts.Multiple}))
	check(host.MkdirAll("/dev/pts"))
	check(host.MountDevpts("/dev/pts", ""))
	check(host.Mknod("/dev/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx))

	check(host.Chmod("/dev/pts/ptmx", 0o666))
	check(host.Remove("/dev/ptmx"))
	check(host.Symlink("pts/ptmx", "/dev/ptmx"))
	container := host.Unshare()
	check(container.Unmount("/dev/pts"))
	check(container.MountDevpts("/dev/pts", "newinstance"))

	sshd, err := container.Open(nil, "/dev/ptmx", pty.O_RDWR)
	check(err)
	_, err = sshd.Ioctl(nil, pts.TIOCSPTLCK, make([]byte, 4)) // unlockpt
	check(err)

	_, err = container.Open(nil, "/dev/pts/0", pty.O_RDWR)
	fmt.Println("in the container:", err)
	_, err = host.Open(nil, "/dev/pts/0", pty.O_RDWR)
	fmt.Println("outside:", err)
	// Output:
	// in the container: <nil>
	// outside: open /dev/pts/0: no such file or directory
}

// The same container without the symlink, on the Linux of then and of today: item 5 of the
// document.
func ExamplePlace_Instance() {
	for _, g := range []devpts.Generation{devpts.Multiple, devpts.Always} {
		v := paths.New(devpts.NewSystem(devpts.Config{Generation: g}))
		check(v.MkdirAll("/dev/pts"))
		check(v.Mknod("/dev/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx))
		check(v.MountDevpts("/dev/pts", "newinstance"))

		outer, err := v.Resolve(nil, "/dev/ptmx")
		check(err)
		inner, err := v.Resolve(nil, "/dev/pts/ptmx")
		check(err)
		a, err := outer.Instance(nil)
		check(err)
		b, err := inner.Instance(nil)
		check(err)
		fmt.Println(g, a == b)
	}
	// Output:
	// multiple false
	// always true
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
