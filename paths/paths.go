// Package paths tells which terminal a path means: a small model of directories, device
// nodes, symlinks and mounts, with the rules by which Linux goes from a ptmx, a pts or
// /dev/tty to an instance of package devpts. It is for whoever answers open(2) for others,
// a kernel in user space, say. It needs no privilege and works on any OS.
//
//	sys := devpts.NewSystem(devpts.Config{})
//	v := paths.New(sys)
//	v.MkdirAll("/dev/pts")
//	v.Mknod("/dev/ptmx", paths.S_IFCHR|0o666, paths.RdevPtmx)
//	v.MountDevpts("/dev/pts", "newinstance,ptmxmode=666")
//	ptm, err := v.Open(nil, "/dev/ptmx", pty.O_RDWR)
//
// It is not a file system: regular files have no content, only root changes the tree, and
// there are no times, links are not counted, and mounts do not propagate from one mount
// namespace into another.
//
// # Which instance
//
// It depends on where the node lies that a path leads to once symlinks are followed, on
// the mount through which it was reached, and on the generation of the system:
//
//	a ptmx, 5:2       on a devpts        elsewhere
//	Always            that instance      the devpts mounted on `pts` in the node's directory
//	Multiple          that instance      the initial one
//	Legacy            there is none      the only one
//	Cloned            its namespace's    that of the namespace the caller is in
//
// In Always the name `pts` is taken as it is: ENOENT where the directory has none, or where
// the node alone was bound to where it is; ENODEV where nothing but a devpts is mounted on it, a
// symlink to one included. Nobody's permission to search it is asked. A node that was
// unlinked still lies where it was.
//
// A pts, 136:N, is terminal N of the devpts it lies on. Elsewhere it is nothing (EIO),
// but in Cloned terminal N of the caller's namespace. /dev/tty, 5:0, is the controlling terminal
// of the caller wherever it lies, and only in Cloned, on a devpts, not one of another namespace.
//
// What Place.Instance says and Open does was compared with Linux 6.18 for Always, layout
// by layout; the others follow the sources and the documents of their time. Kernels look
// `pts` up among the names they have in memory, so that a directory of that name, on a
// disk and not in use, may be ENOENT there instead of ENODEV.
//
// # Callers
//
// A nil caller is this program and may do everything. For others, Open and Resolve ask the
// permission bits of the directories on the way and of the node, as package devpts does. In
// Cloned a caller that has
//
//	PTSNamespace() *devpts.Namespace
//
// is in that namespace, others are in the first one.
//
// # Concurrency and locks
//
// Everything may be used by any number of goroutines at once. There is no goroutine, and
// nothing blocks. One lock guards the tree and all mount namespaces of a New. It comes
// before the locks of package devpts; it is held while nodes of a devpts are looked up, but
// not while a terminal is opened, used or closed, nor over a question to a caller.
package paths
