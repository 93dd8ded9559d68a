package control

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Frame types. The package comment says what they mean.
const (
	frameInput    = 'i'
	frameEndInput = 'e'
	frameResize   = 'r'
	frameSignal   = 's'

	frameOutput  = 'o'
	frameLost    = 'l'
	frameWindow  = 'w'
	frameRefused = 't'
	frameExit    = 'x'
	frameEnd     = 'd'
	frameFailure = 'f'
)

const (
	frameHeader = 5       // type and length
	maxPayload  = 1 << 16 // of one frame
	inputWindow = 1 << 16 // input that may be on the way
)

// errProtocol means that the peer sent something that is not a stream of frames.
var errProtocol = errors.New("protocol error")

// appendFrame appends a whole frame to b.
func appendFrame(b []byte, kind byte, payload ...byte) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return append(b, payload...)
}

// putHeader makes a frame of b, whose payload is already at frameHeader.
func putHeader(b []byte, kind byte) {
	b[0] = kind
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-frameHeader))
}

// payloadSizes are the lengths that the small frames must have.
var payloadSizes = map[byte]int{
	frameEndInput: 0, frameResize: 4, frameSignal: 1,
	frameLost: 8, frameWindow: 4, frameRefused: 4, frameExit: 4, frameEnd: 0,
}

// readFrame reads one frame. Its payload lies in buf, which grows to what a frame
// needs and never past maxPayload, and is the caller's until the next call with
// the same buf. The error is io.EOF only between frames.
func readFrame(r *bufio.Reader, buf *[]byte) (kind byte, payload []byte, err error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	kind = head[0]
	n := int(binary.BigEndian.Uint32(head[1:]))
	if n > maxPayload {
		return 0, nil, fmt.Errorf("%w: frame %q of %d bytes", errProtocol, kind, uint32(n))
	}
	if want, small := payloadSizes[kind]; small && n != want {
		return 0, nil, fmt.Errorf("%w: frame %q of %d bytes, want %d", errProtocol, kind, n, want)
	}
	if cap(*buf) < n {
		*buf = make([]byte, n)
	}
	payload = (*buf)[:n]
	if _, err := io.ReadFull(r, payload); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return kind, payload, nil
}
