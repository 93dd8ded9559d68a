package cast

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Report is what Verify found, up to where the chain holds.
type Report struct {
	Version Version
	Events  int  // lines after the header that the chain vouches for
	Line    int  // the last line of the file that it vouches for, links included
	Head    Head // the head there
	Kept    int  // the line up to which the head that was kept vouches; 0 if it is not there, or none was
}

// Verify follows the chain of a recording. kept, if it is not nil, is a Head that its
// Writer had at some time.
//
// The error is nil when the chain holds to its seal, and the recording comes by the
// kept head. Else it is one of these, and says at which line:
//
//	ErrFormat     it is no recording
//	ErrNoChain    nothing to verify
//	ErrChanged    the line, or the link after it, was changed, put in or moved, or lines before it are missing
//	ErrTooLong    the same: no such line was ever written
//	ErrUnsealed   after the line there is nothing more that the chain vouches for
//	ErrOtherHead  the chain holds, but is another one
//
// or an error of r. What follows the last link, a line or less, is nothing that the chain
// vouches for: ErrUnsealed, cut or not. Verify keeps no more than a few lines.
func Verify(r io.Reader, kept *Head) (Report, error) {
	v := &verifier{lines: newLines(r)}
	err := v.run(kept)
	if err == nil && kept != nil && v.report.Kept == 0 {
		err = ErrOtherHead
	}
	if errors.Is(err, ErrUnsealed) && kept != nil && v.report.Kept == 0 {
		err = fmt.Errorf("%w, before the head that was kept", err)
	}
	return v.report, err
}

type verifier struct {
	lines  *lines
	chain  *chain
	report Report
	want   []byte // reused: a link or seal
	at     []byte // reused: a line's time
}

// run follows the chain to its end.
func (v *verifier) run(kept *Head) error {
	for first := true; ; first = false {
		// A line, or the seal.
		line, err := v.next()
		if first && (errors.Is(err, ErrUnsealed) || errors.Is(err, ErrTooLong)) {
			return ErrFormat // empty, or a line and not a whole one
		}
		if err != nil {
			return err
		}
		if first {
			h, err := parseHeader(line)
			if err != nil {
				return err
			}
			v.report.Version = h.Version
			v.chain = newChain(h.Version)
		}
		if !first && v.chain.isOurs(line) {
			return v.seal(line)
		}
		v.chain.add(line)
		v.at = append(v.at[:0], timeOf(line)...)
		n := v.lines.n

		// Its link.
		link, err := v.next()
		if first && (err != nil || !v.chain.isOurs(link)) {
			if err == nil || errors.Is(err, ErrUnsealed) {
				return ErrNoChain
			}
			return err
		}
		if err != nil {
			return err
		}
		v.want = v.chain.appendLink(v.want[:0], v.at)
		if !bytes.Equal(link, v.want) {
			return fmt.Errorf("%w at line %d or in its link", ErrChanged, n)
		}
		v.report.Line, v.report.Head = v.lines.n, v.chain.head
		if !first {
			v.report.Events++
		}
		if kept != nil && v.chain.head == *kept {
			v.report.Kept = v.lines.n
		}
	}
}

// seal looks at what should be the seal and the end.
func (v *verifier) seal(line []byte) error {
	v.want = v.chain.appendSeal(v.want[:0], v.at) // at the time of the last line
	if !bytes.Equal(line, v.want) {
		return fmt.Errorf("%w at line %d", ErrChanged, v.lines.n)
	}
	v.report.Line = v.lines.n
	switch _, err := v.lines.next(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil || errors.Is(err, ErrTooLong):
		return fmt.Errorf("%w at line %d: something follows the seal", ErrChanged, v.lines.n)
	default:
		return err
	}
}

// next returns the next line; one that is not whole is no line.
func (v *verifier) next() ([]byte, error) {
	line, err := v.lines.next()
	switch {
	case errors.Is(err, io.EOF), err == nil && line[len(line)-1] != '\n':
		return nil, fmt.Errorf("%w after line %d", ErrUnsealed, v.report.Line)
	case errors.Is(err, ErrTooLong):
		return nil, fmt.Errorf("line %d: %w", v.lines.n, err)
	}
	return line, err
}
