package paths_test

// documentLayouts are what the document of 2.6.29 on says, by its items, as it is in Always.
var documentLayouts = []layout{
	{"document, container", documentStart + `
chmod 666 /dev/pts/ptmx
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = 1/0 peer /dev/pts/0 self /dev/pts/ptmx
unshare
umount /dev/pts
devpts /dev/pts newinstance
open /dev/ptmx = 2/0 peer /dev/pts/0 self /dev/pts/ptmx
open /dev/ptmx = 2/1 peer /dev/pts/1 self /dev/pts/ptmx
open /dev/ptmx rdwr 1000 = EACCES
back
open /dev/pts/0 = pts 1/0 self /dev/pts/0
open /dev/pts/1 = ENOENT`},
	{"document, item 1", documentStart + `
open /dev/ptmx rdwr 1000 = 1/0 peer /dev/pts/0 self /dev/ptmx
open /dev/pts/0 rdwr 1000 = pts 1/0 self /dev/pts/0
open /dev/pts/ptmx rdwr 1000 = EACCES`},
	{"document, item 2 with a symlink", documentStart + `
devpts /dev/pts newinstance
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
chmod 666 /dev/pts/ptmx
open /dev/ptmx rdwr 1000 = 2/0 peer /dev/pts/0 self /dev/pts/ptmx`},
	{"document, item 2 with a bind mount", documentStart + `
devpts /dev/pts newinstance
bind /dev/pts/ptmx /dev/ptmx
open /dev/ptmx = 2/0 peer /dev/pts/0 self /dev/ptmx
open /dev/ptmx rdwr 1000 = EACCES`},
	{"document, item 3", documentStart + `
rm /dev/ptmx
symlink pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = EACCES
devpts /dev/pts newinstance,ptmxmode=0666
open /dev/ptmx rdwr 1000 = 2/0 peer /dev/pts/0 self /dev/pts/ptmx`},
	{"document, item 4", documentStart + `
unshare
devpts /dev/pts newinstance,ptmxmode=0666
bind /dev/pts/ptmx /dev/ptmx
open /dev/ptmx rdwr 1000 = 2/0 peer /dev/pts/0 self /dev/ptmx
back
open /dev/ptmx rdwr 1000 = 1/0 peer /dev/pts/0 self /dev/ptmx`},
	{"document, item 5: the pty is reachable", documentStart + sevenPtys + `
devpts /dev/pts newinstance
open /dev/ptmx = 2/0 peer /dev/pts/0 self /dev/ptmx
open /dev/pts/0 = pts 2/0 self /dev/pts/0`},
	{"document, item 6", documentStart + `
devpts /dev/pts newinstance,ptmxmode=0644
open /dev/pts/ptmx rdwr 1000 = EACCES
open /dev/pts/ptmx rdonly 1000 = 2/0 peer /dev/pts/0 self /dev/pts/ptmx
chmod 666 /dev/pts/ptmx
open /dev/pts/ptmx rdwr 1000 = 2/1 peer /dev/pts/1 self /dev/pts/ptmx`},
	{"document, item 7: no view of the host's", documentStart + `
open /dev/ptmx = 1/0 peer /dev/pts/0 self /dev/ptmx
unshare
mkdir /srv
mkdir /srv/pts
devpts /srv/pts
chroot /srv
open /pts/0 = ENOENT
open /pts/ptmx = 2/0 peer /pts/0 self /pts/ptmx`},
}

// documentStart is a system as the document finds it: a mount without newinstance, and
// /dev/ptmx a node.
const documentStart = `
mkdir /dev
mkdir /dev/pts
mknod /dev/ptmx 5:2 666
devpts /dev/pts
`

// sevenPtys are those that exist when the document's pty number 7 is made.
const sevenPtys = `
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
open /dev/pts/ptmx = anything
`
