package main

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// topKey is a key as it was typed: a character, or one of these.
type topKey string

const (
	keyUp        topKey = "up"
	keyDown      topKey = "down"
	keyPageUp    topKey = "page up"
	keyPageDown  topKey = "page down"
	keyHome      topKey = "home"
	keyEnd       topKey = "end"
	keyEnter     topKey = "enter"
	keyEscape    topKey = "escape"
	keyInterrupt topKey = "ctrl-c"
)

// topSequences are what terminals send for keys, after ESC [ or ESC O.
var topSequences = map[string]topKey{
	"A": keyUp, "B": keyDown, "H": keyHome, "F": keyEnd,
	"1~": keyHome, "7~": keyHome, "4~": keyEnd, "8~": keyEnd, "5~": keyPageUp, "6~": keyPageDown,
}

// parseTopKeys takes apart what was read at once. A sequence that means nothing is left
// out; an ESC with nothing behind it is the key.
func parseTopKeys(p []byte) (keys []topKey) {
	s := string(p)
	for s != "" {
		if rest, ok := strings.CutPrefix(s, "\x1b"); ok {
			if rest == "" || rest[0] != '[' && rest[0] != 'O' {
				keys = append(keys, keyEscape)
				s = rest
				continue
			}
			// Up to the final byte, after parameters and intermediates.
			end := 1
			for end < len(rest) && rest[end] < 0x40 {
				end++
			}
			end = min(end+1, len(rest))
			if k, ok := topSequences[rest[1:end]]; ok {
				keys = append(keys, k)
			}
			s = rest[end:]
			continue
		}
		switch c := s[0]; c {
		case '\r', '\n':
			keys = append(keys, keyEnter)
		case 0x03:
			keys = append(keys, keyInterrupt)
		default:
			keys = append(keys, topKey(s[:1]))
		}
		s = s[1:]
	}
	return keys
}

// topKeys is a goroutine that reads keys, until it is stopped: what is typed at a
// terminal that somebody joins must not be read by us.
type topKeys struct {
	read  <-chan []byte // closed when the terminal has gone
	wake  *os.File      // closed to stop
	ended chan struct{}
}

func (s *topScreen) readKeys() *topKeys {
	r, w, err := os.Pipe()
	read := make(chan []byte)
	k := &topKeys{read: read, wake: w, ended: make(chan struct{})}
	if err != nil {
		close(read)
		close(k.ended)
		return k
	}
	stop := int(r.Fd()) // only polled
	go func() {
		defer s.restoreOnPanic()
		defer close(k.ended)
		defer r.Close()
		readTopKeys(stop, read)
	}()
	return k
}

// readTopKeys hands on what is typed until something happens to the fd stop, or until the
// terminal has gone, which closes read.
func readTopKeys(stop int, read chan<- []byte) {
	buf := make([]byte, 256)
	for {
		fds := []unix.PollFd{{Fd: stdin, Events: unix.POLLIN}, {Fd: int32(stop), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err == unix.EINTR {
			continue
		}
		if fds[1].Revents != 0 {
			return
		}
		n, err := unix.Read(stdin, buf)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil || n == 0 {
			close(read)
			return
		}
		read <- bytes.Clone(buf[:n]) // taken by stop, if by nobody else
	}
}

// stop ends the reading, and returns when nothing will be read any more. It may be called
// again.
func (k *topKeys) stop() {
	_ = k.wake.Close() // only its end counts
	for {
		select {
		case <-k.read: // read too late to be a key of ours
		case <-k.ended:
			return
		}
	}
}
