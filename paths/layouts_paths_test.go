package paths_test

// pathLayouts are about paths, refusals and mounts.
var pathLayouts = []layout{
	// Paths.
	{"loops", start + `
symlink loop /a/loop
symlink /b/two /a/one
symlink /a/one /b/two
symlink self/self /a/self
open /a/loop = ELOOP
open /a/one = ELOOP
open /a/self = ELOOP
open /a/loop/ptmx = ELOOP
symlink /a /l0
symlink /l0 /l1
symlink l1/../a /l2
open /l2/ptmx = 1/0 peer /a/pts/0 self /a/ptmx`},
	{"oddly written", start + `
symlink pts/ /a/p
symlink ptmx/ /a/q
open //a///ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /a/./pts/../ptmx = 1/1 peer /a/pts/1 self /a/ptmx
open /../../a/pts/../../a/ptmx = 1/2 peer /a/pts/2 self /a/ptmx
open /a/ptmx/ = ENOTDIR
open /a/ptmx/. = ENOTDIR
open /a/ptmx/x = ENOTDIR
open /a/ptmx/.. = ENOTDIR
open /a/none/ptmx = ENOENT
open /a/p/ptmx = 1/3 peer /a/pts/3 self /a/pts/ptmx
open /a/q = ENOTDIR
open /a/pts/00 = ENOENT
open /a/pts/0/ = ENOTDIR
open ptmx = ENOENT
cd /a
open ptmx = 1/4 peer /a/pts/4 self /a/ptmx
open pts/../../b/any = 2/0 peer /b/pts/0 self /b/any
cd pts
open ../ptmx = 1/5 peer /a/pts/5 self /a/ptmx
open ptmx = 1/6 peer /a/pts/6 self /a/pts/ptmx`},
	{"a directory is opened", start + `
chmod 600 /a
open /a rdonly = EISDIR
open /a rdwr 1000 = EISDIR
open /a rdonly 1000 = EACCES
open /a directory 1000 = EISDIR
file /f
open /f = ENOTTY
open /f rdwr 1000 = EACCES
open /new/ creat = EISDIR`},
	{"renamed over", start + `
mkdir /d
mkdir /d/e
mkdir /f
file /g
mv /d /f
mv /f /g = ENOTDIR
mv /g /f = EISDIR
mkdir /d
mv /d /f = ENOTEMPTY
mv /f/e /f = ENOTEMPTY
mv /f /f/e = EINVAL
mv /a/ptmx /g
mv /a/pts /d = EBUSY
mv /d /a/pts = EBUSY
mv /f/e /d
link /g /h
mv /g /h
mv /g /i
mv /h /i`},
	{"refused", start + `
mkdir /a = EEXIST
mkdir /a/pts/d = EPERM
symlink x /a/pts/l = EPERM
mknod /a/pts/x 5:2 666 = EPERM
file /a/pts/y = EACCES
rm /a/pts/ptmx = EPERM
rm /a/pts/none = ENOENT
rm /a/none = ENOENT
rm /a = ENOTEMPTY
rm /a/pts = EBUSY
link /a/pts/ptmx /a/pts/z = EPERM
link /a/pts/ptmx /a/z = EXDEV
link /a/ptmx /b/pts/z = EXDEV
link /a /z = EPERM
link /a/ptmx /b/any = EEXIST
mv /a/ptmx /b/pts/z = EXDEV
mv /a/pts/ptmx /a/pts/z = EPERM
mv /a /a/sub = EINVAL
mv /a/none /c/x = ENOENT
mv /c/ptmx/ /c/x = ENOTDIR
mkdir /x/y = ENOENT
mkdir /a/ptmx/y = ENOTDIR
file /new/ = ENOENT
tmpfs /a/ptmx = ENOTDIR
bind /a/ptmx /b = ENOTDIR
bind /b /a/ptmx = ENOTDIR
umount /a = EINVAL
umount /a/ptmx = EINVAL
nodev /a = EINVAL
devpts /a/none = ENOENT
devpts /c mode=8 = EINVAL
chroot /a/ptmx = ENOTDIR
cd /a/ptmx = ENOTDIR`},

	// Mounts.
	{"a directory bound, without what is mounted in it", start + `
mkdir /d
bind /a /d
open /d/ptmx = ENODEV
open /d/pts/ptmx = ENOENT
bind /a/pts /d/pts
open /d/ptmx = 1/0 peer /d/pts/0 self /d/ptmx
open /d/../a/ptmx = 1/1 peer /a/pts/1 self /a/ptmx`},
	{"a directory bound above the node", start + `
mkdir /d
mkdir /d/sub
bind /d/sub /b/pts
mknod /d/ptmx 5:2 666
open /d/sub/../ptmx = ENOENT
mkdir /d/pts
devpts /d/pts ptmxmode=666
open /d/sub/../ptmx = 3/0 peer /d/pts/0 self /d/ptmx
open /b/pts/../any = ENODEV`},
	{"moved out of a bound directory", start + `
mkdir /d
mkdir /d/in
mkdir /d/out
mkdir /d/out/pts
devpts /d/out/pts
mknod /d/in/ptmx 5:2 666
mkdir /e
bind /d/in /e
hold h /e/ptmx
mv /d/in/ptmx /d/out/ptmx
open @h = ENOENT
open /d/out/ptmx = 3/0 peer /d/out/pts/0 self /d/out/ptmx`},
	{"a directory moved out of a bound one", start + `
mkdir /d
mkdir /d/in
mkdir /d/in/sub
mkdir /e
bind /d/in /e
hold h /e/sub
mv /d/in/sub /d/sub
open @h/../in/none = ENOENT
open @h/../ptmx = ENOENT`},
	{"mounted over a bound file", start + `
bind /a/pts/ptmx /a/ptmx
umount /a/ptmx
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
bind /b/pts/ptmx /a/ptmx
open /a/ptmx = 2/0 peer ENODEV self /a/ptmx
umount /a/ptmx = EBUSY
close
umount /a/ptmx
umount /a/ptmx = EINVAL`},
	{"busy", start + `
mkdir /t
tmpfs /t
mkdir /t/pts
mknod /t/ptmx 5:2 666
devpts /t/pts
umount /t = EBUSY
open /t/ptmx = 3/0 peer /t/pts/0 self /t/ptmx
umount /t/pts
umount /t = EBUSY
peer = ENODEV
close
umount /t`},
	{"removed while bound elsewhere", start + `
mkdir /d
mkdir /e
mkdir /f
bind /d /e
rm /d
mkdir /e/x = ENOENT
file /e/x = ENOENT
symlink x /e/x = ENOENT
devpts /e = ENOENT
bind /e /f = ENOENT
file /g
file /h
file /i
bind /g /h
rm /g
bind /h /i = ENOENT
bind /a/ptmx /h = ENOENT`},
	{"nosymfollow", start + `
mkdir /t
tmpfs /t
symlink /a /t/a
symlink t /l
nosymfollow /t
open /t/a/ptmx = ELOOP
open /t/a = ELOOP
open /t/a nofollow = ELOOP
open /l/../a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
rm /t/a
dev /t
symlink /a /t/a
open /t/a/ptmx = 1/1 peer /a/pts/1 self /a/ptmx`},
	{"mounted on a terminal that goes", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
file /f
hold h /a/pts/0
bind /f /a/pts/0
open /a/pts/0 = ENOTTY
open @h = pts 1/0 self /a/pts/0
bind /a/pts/0 /f
close
open /a/pts/0 = ENOENT
open @h = EIO
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /a/pts/0 = pts 1/0 self /a/pts/0
open @h = EIO
close
umount /a/pts = EBUSY
umount-l /a/pts`},
	{"a terminal bound elsewhere", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
file /f
file /g
bind /a/pts/0 /f
open /f = pts 1/0 self /f
close
open /f = EIO
bind /f /g = ENOENT
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open /f = EIO
umount /f
open /f = ENOTTY`},
	{"unshared", start + `
unshare
devpts /a/pts ptmxmode=666
open /a/ptmx = 3/0 peer /a/pts/0 self /a/ptmx
umount-l /a/pts
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
umount-l /b/pts
open /b/any = ENODEV
rm /b/pts
open /b/any = ENOENT`},
	{"what is mounted later is private", start + `
unshare
mkdir /c/pts
devpts /c/pts
open /c/ptmx = 3/0 peer /c/pts/0 self /c/ptmx
umount /c/pts
devpts /c/pts
open /c/ptmx = 4/0 peer /c/pts/0 self /c/ptmx
umount-l /a/pts
back
open /c/ptmx = ENODEV
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
devpts /c/pts
open /c/ptmx = 5/0 peer /c/pts/0 self /c/ptmx`},
	{"a mount point removed in another namespace", start + `
open /a/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
unshare
rm /a/pts = EBUSY
mv /a/pts /a/x = EBUSY
umount /a/pts
mv /a/pts /a/x
peer = ENOENT
mv /a/x /a/pts
rm /a/pts
back
open /a/pts/0 = ENOENT
peer = ENOENT
mkdir /a/pts
open /a/ptmx = ENODEV`},
	{"a mount point moved in another namespace", start + `
unshare
umount /a/pts
mv /a/pts /a/x
back
open /a/x/ptmx = 1/0 peer /a/x/0 self /a/x/ptmx
open /a/ptmx = ENOENT`},
	{"held across namespaces", start + `
hold h /a/ptmx
hold d /c
unshare
umount /a/pts
mkdir /c/pts
devpts /c/pts
open @h = 1/0 peer /a/pts/0 self /a/ptmx
open /a/ptmx = ENODEV
open @d/ptmx = ENODEV
open /c/ptmx = 3/0 peer /c/pts/0 self /c/ptmx
cd @d
open ptmx = ENODEV
bind . /b = EINVAL`},
	{"changed roots", start + `
mkdir /c/pts
devpts /c/pts ptmxmode=666
hold old /a
chroot /c
open /ptmx = 3/0 peer /pts/0 self /ptmx
open /../../../ptmx = 3/1 peer /pts/1 self /ptmx
open /a/ptmx = ENOENT
open @old/ptmx = 1/0 peer /a/pts/0 self /a/ptmx
open @old/../b/any = 2/0 peer /b/pts/0 self /b/any
open @old/../c/ptmx = 3/2 peer /pts/2 self /ptmx`},
	{"a parent's view", `
mkdir /vserver
mkdir /vserver/vserver1
mkdir /vserver/vserver1/dev
mkdir /vserver/vserver1/dev/pts
symlink pts/ptmx /vserver/vserver1/dev/ptmx
devpts /vserver/vserver1/dev/pts ptmxmode=666
open /vserver/vserver1/dev/ptmx = 1/0 peer /vserver/vserver1/dev/pts/0 self /vserver/vserver1/dev/pts/ptmx
open /vserver/vserver1/dev/pts/0 = pts 1/0 self /vserver/vserver1/dev/pts/0
chroot /vserver/vserver1
open /dev/ptmx = 1/1 peer /dev/pts/1 self /dev/pts/ptmx
open /dev/pts/0 = pts 1/0 self /dev/pts/0`},
}
