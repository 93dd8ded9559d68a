package cast

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
)

// Head is the state of the chain after some line: it stands for everything up to there.
type Head [sha256.Size]byte

// String is the head in hexadecimal.
func (h Head) String() string { return hex.EncodeToString(h[:]) }

// ParseHead is the reverse of String.
func ParseHead(s string) (Head, error) {
	var h Head
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return Head{}, fmt.Errorf("head %q: want %d hexadecimal digits", s, 2*len(h))
	}
	copy(h[:], b)
	return h, nil
}

// linkBytes is how much of the head a link shows. A link only tells where a change
// is; that there is one, the whole head decides.
const linkBytes = sha256.Size / 2

// chain is the chain of one recording.
type chain struct {
	version Version
	hash    hash.Hash
	head    Head
}

func newChain(v Version) *chain {
	return &chain{version: v, hash: sha256.New(), head: sha256.Sum256([]byte("ptsns asciicast chain 1\n"))}
}

// add puts a line, with its newline, into the chain.
func (c *chain) add(line []byte) {
	c.hash.Reset()
	c.hash.Write(c.head[:])
	c.hash.Write(line)
	c.hash.Sum(c.head[:0])
}

// appendLink appends the link that follows a line whose time is at.
func (c *chain) appendLink(dst, at []byte) []byte {
	dst = c.open(dst, at)
	dst = append(dst, '=')
	dst = base64.RawStdEncoding.AppendEncode(dst, c.head[:linkBytes])
	return c.close(dst)
}

// appendSeal appends the end of the chain.
func (c *chain) appendSeal(dst, at []byte) []byte {
	dst = c.open(dst, at)
	dst = append(dst, "=end "...)
	dst = hex.AppendEncode(dst, c.head[:])
	return c.close(dst)
}

// open and close make a line around what the chain has to say.
func (c *chain) open(dst, at []byte) []byte {
	if c.version == V3 {
		return append(dst, '#')
	}
	dst = append(dst, '[')
	dst = append(dst, at...)
	return append(dst, `, "`+string(codeChain)+`", "`...)
}

func (c *chain) close(dst []byte) []byte {
	if c.version == V3 {
		return append(dst, '\n')
	}
	return append(dst, "\"]\n"...)
}

// isOurs tells whether a line has the form of a link or seal.
func (c *chain) isOurs(line []byte) bool {
	if c.version == V3 {
		return bytes.HasPrefix(line, []byte("#="))
	}
	return bytes.Contains(line[:min(len(line), 64)], []byte(`, "`+string(codeChain)+`", "=`))
}

// timeOf is the time of an event's line as it is written there, and 0 for others.
func timeOf(line []byte) []byte {
	comma := bytes.IndexByte(line, ',')
	if comma < 0 || line[0] != '[' {
		return []byte{'0'}
	}
	return line[1:comma]
}
