//go:build linux

package fusefs

import "github.com/ptsns/ptsns/fusefs/internal/wire"

// fileSize is what the file claims to hold. With size 0 each write would lie past
// the end of the file, for which the kernel takes the inode's lock, and one write
// that blocks would block all others. It must have been stat'ed once before.
//
// The kernel answers FIONREAD of a regular file by itself with the low 32 bits of the
// size. They say that a page can be read, not nothing: who asks after poll(2) said so
// takes 0 for the end of the file.
const fileSize = 1<<40 + pageSize

const openFlags = wire.OpenDirectIO | wire.OpenNonSeekable | wire.OpenStream | wire.OpenNoFlush | wire.OpenParallelDirectWrites
