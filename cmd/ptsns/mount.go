package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"text/tabwriter"

	"github.com/ptsns/ptsns/devptsd"
	"github.com/ptsns/ptsns/fsmount"
	"github.com/ptsns/ptsns/rundir"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

const mountLong = `Mount mounts a virtual devpts at DIR: terminals that live in a process of ptsns, not
in the kernel. It is for shell tools, C programs and tests; as mount.ptsns in /sbin
it makes ` + "`mount -t ptsns -o newinstance,ptmxmode=0666 lxcpts /mnt`" + ` work. It returns when
DIR is mounted; umount unmounts it. Without arguments it lists what is mounted.

The instance is a namespace to the parent: ptsns ls lists its terminals, and attach, record
and the like take them, by NAME (default: the first of vs1, vs2, ... that is free). Its name,
its history and its recordings are those of its first mount: a remount, or one more mount of
it, may name them and not change them.

OPTS are those of mount -t devpts -o, and remount, generation=G, system=NAME, name=NAME,
history=BYTES, record=DIR and task=PID. What they do is what they did in Linux of that generation:

  always    4.7 and later: each mount is an instance of its own
  multiple  2.6.29 to 4.6: a mount with newinstance is one, all others are the initial one
  legacy    the same without CONFIG_DEVPTS_MULTIPLE_INSTANCES: there is one
  cloned    2.6.25 with the patches of 2008: one for each cloned PTS namespace. task=PID
            mounts that of process PID, which is made for it when it has none and has no
            other process; without it the first namespace's is mounted

Mounts of one system share its initial instance and its limits. A system is there as
long as something of it is mounted.

The nodes are files of a FUSE file system, not devices, which only some programs notice.
DIR/tty opens the controlling terminal of whoever opens it: mount it over /dev/tty
(mount -o bind). DIR/.ptmx, before always, is what a device /dev/ptmx elsewhere was.

What FUSE cannot give: ttyname(3) finds no name, so that tty(1), expect and sshd do not do
with these terminals; ps and the kernel's /dev/tty do not know that they control a process;
a read that a stop or a signal interrupts fails (EINTR) and is not restarted; ioctls that
return a descriptor (TIOCGPTPEER) fail, and the terminal is opened by its name; older
cat(1) will not copy a terminal to itself. Programs that need the real thing get it with
ptsns run, whose terminals are the kernel's.`

// mountFlags are the flags of mount.
type mountFlags struct {
	options    []string
	generation string
	system     string
	name       string
	history    string
	record     string
	input, v2  bool // of recordings
	foreground bool
	fake       bool // mount(8)'s -f: do everything but the mount
}

func newMountCommand() *cobra.Command {
	var f mountFlags
	cmd := &cobra.Command{
		Use:                   "mount [FLAGS] [SOURCE DIR]",
		DisableFlagsInUseLine: true,
		Short:                 "Mount a virtual devpts, or list what is mounted",
		Long:                  mountLong,
		Example:               "  ptsns mount -o newinstance,ptmxmode=0666 lxcpts /mnt\n  ptsns mount -o remount,mode=600 lxcpts /mnt\n  ptsns mount --generation multiple devpts /mnt",
		Args:                  usage(mountArgs),
		ValidArgsFunction:     completeMount,
		RunE:                  f.run,
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.options, "options", "o", nil, "mount options `OPTS` (repeatable)")
	flags.StringVar(&f.generation, "generation", "", "behave as Linux of generation `G`: always, multiple, legacy, cloned (default always)")
	flags.StringVar(&f.system, "system", "", "mount an instance of the system `NAME` (default the generation's name)")
	flags.StringVar(&f.name, "name", "", "call the instance `NAME` in ptsns ls and the like (default the first free of vs1, vs2, ...)")
	flags.StringVar(&f.history, "history", "", "keep so many `BYTES` of output, and of scrollback, of each terminal (K, M, G; 0 is no scrollback; default 1M)")
	flags.StringVar(&f.record, "record", "", "record every terminal into a file of its own in `DIR`, as asciicast v3")
	flags.BoolVar(&f.input, "record-input", false, "RECORD WHAT IS TYPED, too, unless the terminal does not echo it")
	flags.BoolVar(&f.v2, "record-v2", false, "record as asciicast v2")
	flags.BoolVarP(&f.foreground, "foreground", "f", false, "stay until DIR is unmounted; an interrupt unmounts it")
	_ = cmd.RegisterFlagCompletionFunc("generation", cobra.FixedCompletions([]string{"always", "multiple", "legacy", "cloned"}, cobra.ShellCompDirectiveNoFileComp)) // fails for flags that are not there
	_ = cmd.RegisterFlagCompletionFunc("system", completeSystems)
	_ = cmd.RegisterFlagCompletionFunc("options", cobra.NoFileCompletions)
	return cmd
}

// completeMount completes the directory.
func completeMount(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 1 {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func completeSystems(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	dir, err := rundir.Open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	systems, err := dir.OldSystems()
	if err != nil || systems == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	names, err := systems.Names()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func mountArgs(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0, 2:
		return nil
	case 1:
		return errors.New("a source and a directory are needed")
	}
	return fmt.Errorf("%d arguments, want a source and a directory", len(args))
}

func (f *mountFlags) run(cmd *cobra.Command, args []string) error {
	dir, err := openRuntime(cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return listMounts(cmd.Context(), dir, cmd.OutOrStdout())
	}
	j, err := f.job(args)
	if err != nil {
		return err
	}
	if f.fake {
		return nil
	}
	systems, err := dir.Systems()
	if err != nil {
		return err
	}
	if j.remount {
		return j.doRemount(cmd.Context(), systems, cmd.ErrOrStderr())
	}
	ctx, stop := cmd.Context(), func() {}
	if f.foreground {
		ctx, stop = signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	}
	defer stop()
	client, err := j.mount(ctx, dir, systems, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	defer client.Close()
	if j.request.RecordIn {
		fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: mount: what is typed on the terminals of %s is recorded in %s, unless they do not echo it\n", j.dir, j.request.Record)
	}
	if !f.foreground {
		return nil
	}
	if err := client.Wait(ctx, j.request.Device); err == nil || ctx.Err() == nil {
		return err
	}
	err = unix.Unmount(j.dir, unix.UMOUNT_NOFOLLOW)
	if err == unix.EBUSY {
		fmt.Fprintf(cmd.ErrOrStderr(), "ptsns: mount: %s is in use; it goes when it is not any more\n", j.dir)
		err = unix.Unmount(j.dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", j.dir, err)
	}
	return nil
}

// mount mounts, by the system's server, which it starts where there is none. It
// returns the connection to it.
func (j *mountJob) mount(ctx context.Context, dir, systems *rundir.Dir, stderr io.Writer) (*devptsd.Client, error) {
	for {
		fresh, err := devptsd.Prepare(j.source, j.request.Options)
		if err != nil {
			if errors.Is(err, unix.EPERM) {
				err = fmt.Errorf("%w (mounting needs root)", err)
			}
			return nil, err
		}
		defer fresh.Close()
		client, err := findSystem(ctx, dir, systems, j.system, j.generation)
		if err != nil {
			return nil, err
		}
		warnings, err := client.Mount(ctx, j.request, fresh, j.dir)
		if errors.Is(err, devptsd.ErrGone) && ctx.Err() == nil {
			_ = client.Close() // its last mount went; the next server takes ours
			if err := serverDied(systems, j.system, stderr); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			_ = client.Close()
			return nil, err
		}
		for _, w := range warnings {
			fmt.Fprintf(stderr, "ptsns: mount: warning: %s\n", printable(w))
		}
		j.request.Device = fresh.Device()
		return client, nil
	}
}

// doRemount finds the mount at the directory among those of all systems and gives it
// its new options.
func (j *mountJob) doRemount(ctx context.Context, systems *rundir.Dir, stderr io.Writer) error {
	device, err := devptsd.DeviceAt(j.dir)
	if err != nil {
		return err
	}
	names, err := systems.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		client, err := dialSystem(ctx, systems, name)
		if err != nil {
			continue // it is ending, and so are its mounts
		}
		defer client.Close()
		system, err := client.List(ctx)
		if errors.Is(err, devptsd.ErrGone) {
			continue
		}
		if err != nil {
			return fmt.Errorf("system %q: %w", name, err)
		}
		for _, m := range system.Mounts {
			if m.Device != device {
				continue
			}
			warnings, err := client.Remount(ctx, device, j.request)
			for _, w := range warnings {
				fmt.Fprintf(stderr, "ptsns: mount: warning: %s\n", printable(w))
			}
			if err != nil {
				return err
			}
			return fsmount.Remount(j.dir, fsmount.Split(j.request.Options))
		}
	}
	return fmt.Errorf("nothing of ptsns is mounted at %s: %w", j.dir, unix.EINVAL)
}

// listMounts prints what the systems have mounted, in the form of mount(8).
func listMounts(ctx context.Context, dir *rundir.Dir, w io.Writer) error {
	systems, err := dir.OldSystems()
	if err != nil {
		return err
	}
	var names []string
	if systems != nil {
		if names, err = systems.Names(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSYSTEM\tGENERATION\tSERVER\tSOURCE\tDIR\tTERMINALS\tOPTIONS")
	var failed error
	for _, name := range names {
		system, err := listSystem(ctx, systems, name)
		if errors.Is(err, devptsd.ErrGone) || errors.Is(err, os.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			failed = exitStatus(exitFailure)
			fmt.Fprintf(t, "-\t%s\t-\t-\t-\t-\t-\t%s\n", name, printable(err.Error()))
			continue
		}
		for _, m := range system.Mounts {
			fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\t%d\t%s\n", cmp.Or(m.Name, "-"), name, system.Generation, system.ServerPID,
				printable(m.Source), printable(m.Dir), m.Terminals, m.Options)
		}
	}
	return errors.Join(t.Flush(), failed)
}

func listSystem(ctx context.Context, systems *rundir.Dir, name string) (devptsd.System, error) {
	client, err := dialSystem(ctx, systems, name)
	if err != nil {
		return devptsd.System{}, err
	}
	defer client.Close()
	return client.List(ctx)
}
