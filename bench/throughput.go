//go:build linux

package bench

import (
	"errors"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/termios"
)

func measureRaw(s slice) (float64, error)   { return s.output(raw, writeBlocks) }
func measureLines(s slice) (float64, error) { return s.output(rawOutputLines, writeLines) }

func measureCanon(s slice) (float64, error)     { return s.input(canon, false) }
func measureCanonEcho(s slice) (float64, error) { return s.input(canonEcho, true) }

// output measures pts to ptm.
func (s slice) output(change func(*termios.Termios), j job) (float64, error) {
	st, err := s.set(change, j)
	if err != nil {
		return 0, err
	}
	r, err := readFor(descriptor(st.ptm), blockSize, s.warm(), s.time)
	if err := errors.Join(err, st.strike()); err != nil {
		return 0, err
	}
	return r.mbps(), nil
}

// input measures ptm to pts. The peer has measured enough when it reports, and
// reads on until the write that is then under way has returned.
func (s slice) input(change func(*termios.Termios), echo bool) (float64, error) {
	st, err := s.set(change, readLines)
	if err != nil {
		return 0, err
	}
	var enough atomic.Bool
	var r rate
	var reportErr error
	reported := make(chan struct{})
	go func() {
		defer close(reported)
		r, reportErr = st.peer.report()
		enough.Store(true)
	}()
	drained := make(chan struct{})
	if echo {
		go func() {
			defer close(drained)
			drain(descriptor(st.ptm))
		}()
	} else {
		close(drained)
	}
	err = writeUntil(descriptor(st.ptm), lines(blockSize), &enough)
	<-reported
	endErr := st.peer.end()
	<-drained // the pts is closed, so there is an end
	if err := errors.Join(err, reportErr, endErr, unix.Close(st.ptm)); err != nil {
		return 0, err
	}
	return r.mbps(), nil
}
