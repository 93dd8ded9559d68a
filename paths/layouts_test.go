package paths_test

import "slices"

// A layout is a script: operations on a tree, and opens with what comes of them. Each is
// run against the model here, and against the kernel in kernel_linux_test.go.
//
//	mkdir P          mknod P MAJ:MIN MODE     file P        symlink TARGET P
//	link OLD NEW     rm P                     mv OLD NEW    chmod MODE P      chown UID:GID P
//	tmpfs P          devpts P [OPTIONS]       bind OLD P    umount P          umount-l P
//	nodev P          nosymfollow P            dev P: neither of them
//	chroot P         cd P (or @NAME)
//	unshare          and back, to the mount namespace before
//	hold NAME P      a descriptor of O_PATH, which is @NAME from then on
//	fsmount NAME     the root of a devpts that is mounted nowhere
//	open P [FLAGS] [UID]
//
// "= ERRNO" follows what fails. An open says which instance, by the order in which they
// were made, and which index it got, the path of the pts that TIOCGPTPEER opens, or why it
// does not, and the path of what was opened; "anything" leaves it open. Ends stay open until the script's end, or
// "close".
type layout struct {
	name   string
	script string
}

// start is how most of the layouts begin.
const start = `
mkdir /a
mkdir /a/pts
mkdir /b
mkdir /b/pts
mkdir /c
mknod /a/ptmx 5:2 666
mknod /b/any 5:2 666
mknod /c/ptmx 5:2 666
devpts /a/pts ptmxmode=666
devpts /b/pts ptmxmode=666
`

// layouts are all of them.
func layouts() []layout { return slices.Concat(tableLayouts, pathLayouts, documentLayouts) }

// tableLayouts are what a ptmx means in Always, and what TIOCGPTPEER opens.
var tableLayouts = []layout{
	{"beside", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /b/any = 2/0 peer /b/pts/0 self /b/any`},
	{"inside", start + `
open /a/pts/ptmx = 1/0 peer /a/pts/0 self /a/pts/ptmx`},
	{"symlink to pts/ptmx", start + `
symlink pts/ptmx /b/ptmx
open /b/ptmx = 2/0 peer /b/pts/0 self /b/pts/ptmx`},
	{"symlink to a node elsewhere", start + `
symlink ../a/ptmx /c/l
open /c/l = 1/0 peer /a/pts/0 self /a/ptmx
symlink /b/any /c/m
open /c/m = 2/0 peer /b/pts/0 self /b/any`},
	{"no pts", start + `
open /c/ptmx = ENOENT`},
	{"pts is a directory", start + `
mkdir /c/pts
open /c/ptmx = ENODEV`},
	{"pts is a tmpfs", start + `
mkdir /c/pts
tmpfs /c/pts
open /c/ptmx = ENODEV`},
	{"pts is a file", start + `
file /c/pts
open /c/ptmx = ENODEV`},
	{"pts is a symlink to a devpts", start + `
symlink ../a/pts /c/pts
open /c/ptmx = ENODEV`},
	{"pts is a dangling symlink", start + `
symlink nothing /c/pts
open /c/ptmx = ENODEV`},
	{"pts is bound", start + `
mkdir /c/pts
bind /a/pts /c/pts
open /c/ptmx = 1/0 peer /c/pts/0 self /c/ptmx
open /a/ptmx = 1/1 peer /a/pts/1 self /a/ptmx`},
	{"pts is a bound ptmx", start + `
file /c/pts
bind /a/pts/ptmx /c/pts
open /c/ptmx = ENODEV
open /c/pts = 1/0 peer ENODEV self /c/pts`},
	{"stacked", start + `
devpts /a/pts ptmxmode=666
open /a/ptmx = 3/0 peer /a/pts/0 self /a/ptmx
umount-l /a/pts
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"a tmpfs stacked on it", start + `
tmpfs /a/pts
open /a/ptmx = ENODEV
umount /a/pts
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"stacked on what the peer was to come through", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
devpts /a/pts
peer = ENODEV
umount /a/pts
peer = /a/pts/0
bind /b/pts /a/pts
peer = ENODEV
bind /a/ptmx /c/ptmx
umount /a/pts
peer = /a/pts/0
umount /a/pts
peer = ENODEV`},
	{"hard link", start + `
link /a/ptmx /c/hl
open /c/hl = ENOENT
link /a/ptmx /b/hl
open /b/hl = 2/0 peer /b/pts/0 self /b/hl`},
	{"a node bound alone", start + `
file /b/y
bind /a/ptmx /b/y
open /b/y = ENOENT`},
	{"a node bound over itself", start + `
bind /a/ptmx /a/ptmx
open /a/ptmx = ENOENT`},
	{"pts/ptmx bound over ptmx", start + `
bind /a/pts/ptmx /a/ptmx
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"pts/ptmx bound twice over ptmx", start + `
bind /a/pts/ptmx /a/ptmx
bind /a/ptmx /a/ptmx
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"pts/ptmx bound where no pts is", start + `
file /c/x
bind /a/pts/ptmx /c/x
open /c/x = 1/0 peer ENOENT self /c/x
mkdir /c/pts
peer = ENODEV
bind /a/pts /c/pts
peer = /c/pts/0`},
	{"pts/ptmx bound beside another instance", start + `
file /b/x
bind /a/pts/ptmx /b/x
open /b/x = 1/0 peer ENODEV self /b/x`},
	{"pts/ptmx bound over another instance's", start + `
bind /a/pts/ptmx /b/pts/ptmx
open /b/pts/ptmx = 1/0 peer ENOENT self /b/pts/ptmx
open /b/any = 2/0 peer /b/pts/0 self /b/any`},
	{"a bound ptmx, held and unmounted", start + `
file /c/x
bind /a/pts/ptmx /c/x
hold h /c/x
umount-l /c/x
open @h = 1/0 peer / self /`},
	{"unlinked", start + `
hold h /b/any
rm /b/any
open @h = 2/0 peer /b/pts/0 self /b/any (deleted)`},
	{"unlinked, and the name used again", start + `
hold h /b/any
rm /b/any
file /b/any
open @h = 2/0 peer /b/pts/0 self /b/any (deleted)`},
	{"its directory is removed", start + `
mkdir /d
mknod /d/ptmx 5:2 666
hold h /d/ptmx
rm /d/ptmx
rm /d
open @h = ENOENT`},
	{"moved", start + `
hold h /b/any
open /b/any = 2/0 peer /b/pts/0 self /b/any
mv /b/any /a/moved
peer = ENODEV
open @h = 1/0 peer /a/pts/0 self /a/moved
mv /a/moved /c/moved
open @h = ENOENT`},
	{"its directory is moved", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
mv /a /c/d
peer = /c/d/pts/0
open /c/d/ptmx = 1/1 peer /c/d/pts/1 self /c/d/ptmx`},
	{"pts is moved in", start + `
mkdir /c/other
devpts /c/other ptmxmode=666
open /c/ptmx = ENOENT
mv /c/other /c/pts = EBUSY
umount /c/other
mv /c/other /c/pts
devpts /c/pts
open /c/ptmx = 4/0 peer /c/pts/0 self /c/ptmx`},
	{"fsmount", start + `
fsmount d ptmxmode=666
open @d/ptmx = 3/0 peer /0 self /ptmx
open @d/0 = pts 3/0 self /0
open @d/../ptmx = 3/1 peer /1 self /ptmx`},
	{"unmounted lazily while open and held", start + `
hold root /a/pts
open /a/pts/ptmx = 1/0 peer /a/pts/0 self /a/pts/ptmx
open /a/ptmx = 1/1 peer /a/pts/1 self /a/ptmx
umount /a/pts = EBUSY
umount-l /a/pts
peer = ENODEV
open @root/ptmx = 1/2 peer /2 self /ptmx
open @root/0 = pts 1/0 self /0
open /a/ptmx = ENODEV`},
	{"the whole tree unmounted lazily", start + `
mkdir /t
tmpfs /t
mkdir /t/pts
mknod /t/ptmx 5:2 666
devpts /t/pts ptmxmode=666
hold h /t/ptmx
open @h = 3/0 peer /t/pts/0 self /t/ptmx
umount-l /t
peer = ENODEV
open @h = ENODEV`},
	{"pts not to be searched", start + `
chmod 700 /a/pts
open /a/ptmx rdwr 1000 = 1/0 peer /a/pts/0 self /a/ptmx
open /a/pts/0 rdwr 1000 = EACCES
open /a/pts/ptmx rdwr 1000 = EACCES`},
	{"pts below a directory not to be searched", start + `
hold h /a/ptmx
chmod 700 /a
open /a/ptmx rdwr 1000 = EACCES
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"ptmxmode=000", start + `
devpts /c = ok
open /c/ptmx rdwr 1000 = EACCES
open /c/ptmx = 3/0 peer /c/0 self /c/ptmx
chmod 666 /c/ptmx
open /c/ptmx rdwr 1000 = 3/1 peer /c/1 self /c/ptmx`},
	{"the outer node's bits, not those of pts/ptmx", start + `
mkdir /c/pts
devpts /c/pts
open /c/ptmx rdwr 1000 = 3/0 peer /c/pts/0 self /c/ptmx
chmod 600 /c/ptmx
open /c/ptmx rdwr 1000 = EACCES
chown 1000:0 /c/ptmx
open /c/ptmx rdwr 1000 = 3/1 peer /c/pts/1 self /c/ptmx
chmod 440 /c/ptmx
open /c/ptmx rdwr 1000 = EACCES
open /c/ptmx rdonly 1000 = 3/2 peer /c/pts/2 self /c/ptmx
open /c/ptmx wronly 1000 = EACCES
open /c/ptmx 3 1000 = EACCES
chown 0:1000 /c/ptmx
open /c/ptmx rdonly 1000 = 3/3 peer /c/pts/3 self /c/ptmx
open /c/ptmx rdonly 2000 = EACCES
open /c/ptmx wronly = 3/4 peer /c/pts/4 self /c/ptmx`},
	{"a pts's own bits", start + `
open /a/ptmx rdwr 1000 = 1/0 peer /a/pts/0 self /a/ptmx
open /a/pts/0 rdwr 1000 = pts 1/0 self /a/pts/0
open /a/pts/0 rdwr 2000 = EACCES
chmod 0 /a/pts/0
open /a/pts/0 rdwr 1000 = EACCES
peer = /a/pts/0`},
	{"nodev", start + `
mkdir /t
tmpfs /t
mkdir /t/pts
mknod /t/ptmx 5:2 666
devpts /t/pts ptmxmode=666
nodev /t
open /t/ptmx = EACCES
open /t/pts/ptmx = 3/0 peer /t/pts/0 self /t/pts/ptmx
bind /t /c
open /c/ptmx = EACCES`},
	{"nodev on the devpts", start + `
nodev /a/pts
open /a/pts/ptmx = EACCES
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /a/pts/0 = EACCES`},
	{"other devices", start + `
mknod /b/s0 136:0 666
mknod /b/m0 128:0 666
mknod /b/none 5:200 666
mknod /b/tty 5:0 666
open /b/s0 = EIO
open /b/m0 = EIO
open /b/none = ENXIO
open /b/tty = ENXIO
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /a/pts/0 = pts 1/0 self /a/pts/0
chmod 600 /b/tty
open /b/tty rdwr 1000 = EACCES
close
open /a/pts/0 = ENOENT`},
	{"flags", start + `
open /a/ptmx rdonly = 1/0 peer /a/pts/0 self /a/ptmx
open /a/ptmx wronly = 1/1 peer /a/pts/1 self /a/ptmx
open /a/ptmx directory = ENOTDIR
open /a/ptmx creat = 1/2 peer /a/pts/2 self /a/ptmx
open /a/ptmx excl = EEXIST
open /a/pts/ptmx excl = EEXIST
open /a/pts/ptmx directory = ENOTDIR
open /a/pts/new creat = EACCES
open /a/new = ENOENT
open /a = EISDIR
open /a/pts = EISDIR
symlink ptmx /a/l
open /a/l nofollow = ELOOP
open /a/l excl = EEXIST
open /a/l nofollow+directory = ENOTDIR
open /a/l = 1/3 peer /a/pts/3 self /a/ptmx`},
}
