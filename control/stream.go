package control

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"syscall"
)

// EventKind says what happened on a stream.
type EventKind int

const (
	// Output is bytes that the terminal put out.
	Output EventKind = iota
	// Lost is bytes that this stream missed here, because it was not read in time.
	Lost
	// Exit is the end of the program, and of the stream.
	Exit
	// Ended is the end of a terminal on which no program of ptsns's was, and of the
	// stream.
	Ended
	// Refused is input of this stream that was not typed, because another viewer has
	// taken the input for itself. The stream goes on.
	Refused
)

// Event is what Next found.
type Event struct {
	Kind   EventKind
	Output []byte // of Output; good until the next call of Next
	Lost   uint64 // of Lost
	Code   int    // of Exit: the exit status, or 128+N for signal N; of Refused: the bytes
}

// Stream is a terminal joined. Next is for one goroutine at a time; all else may
// be called from any number of them at once.
type Stream struct {
	ref  ref // immutable
	conn net.Conn
	r    *bufio.Reader // Next's alone
	buf  []byte        // Next's alone
	over bool          // Next's alone: the last frame was read

	typing sync.Mutex // held by a Write or EndInput in progress
	ended  bool       // guarded by typing; EndInput was called

	wmu sync.Mutex // held while a frame is written to conn; taken after typing

	mu     sync.Mutex
	window int           // guarded by mu; bytes of input that may be sent now
	more   chan struct{} // holds one token after window grew
	closed chan struct{} // closed by Close, or when Next heard the last
	once   sync.Once     // of closed
}

func newStream(conn net.Conn, r *bufio.Reader, t ref) *Stream {
	return &Stream{
		ref: t, conn: conn, r: r,
		window: inputWindow, more: make(chan struct{}, 1), closed: make(chan struct{}),
	}
}

// streamOf makes a stream of a connection whose server has agreed to it.
func streamOf(c *clientConn, resp *http.Response) (*Stream, error) {
	index, err := strconv.Atoi(resp.Header.Get(headerTerminal))
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("the server answered %q and no stream", resp.Status)
	}
	pid, _ := strconv.Atoi(resp.Header.Get(headerPID)) // absent after an attach
	return newStream(c.Conn, c.r, ref{index, pid, resp.Header.Get(headerSerial)}), nil
}

// Index is the terminal's number in its instance.
func (s *Stream) Index() int { return s.ref.index }

// PID is the program that StartAttached started, 0 after Attach.
func (s *Stream) PID() int { return s.ref.pid }

// Serial is the terminal's, as in server.Terminal.
func (s *Stream) Serial() string { return s.ref.serial }

// Next waits for the next event. After Exit or Ended it returns io.EOF. An *Error
// is what the server said before it ended the stream; an error that wraps
// ErrServerGone means that it said nothing, and net.ErrClosed that Close was called.
func (s *Stream) Next() (Event, error) {
	if s.over {
		return Event{}, io.EOF
	}
	for {
		kind, payload, err := readFrame(s.r, &s.buf)
		if err != nil {
			return Event{}, s.finish(goneOr(err))
		}
		switch kind {
		case frameOutput:
			return Event{Kind: Output, Output: payload}, nil
		case frameLost:
			return Event{Kind: Lost, Lost: binary.BigEndian.Uint64(payload)}, nil
		case frameWindow:
			s.widen(int(binary.BigEndian.Uint32(payload)))
		case frameRefused:
			return Event{Kind: Refused, Code: int(binary.BigEndian.Uint32(payload))}, nil
		case frameExit:
			return Event{Kind: Exit, Code: int(binary.BigEndian.Uint32(payload))}, s.finish(nil)
		case frameEnd:
			return Event{Kind: Ended}, s.finish(nil)
		case frameFailure:
			e := new(Error)
			if err := json.Unmarshal(payload, e); err != nil {
				return Event{}, s.finish(fmt.Errorf("read the server's failure: %w", err))
			}
			return Event{}, s.finish(e)
		default:
			return Event{}, s.finish(fmt.Errorf("%w: frame %q", errProtocol, kind))
		}
	}
}

// finish notes that nothing more will come, and why.
func (s *Stream) finish(err error) error {
	s.over = true
	s.once.Do(func() { close(s.closed) })
	return err
}

// Write types p. It waits while the program does not read and much was typed
// before; it fails once the stream has ended or was closed.
func (s *Stream) Write(p []byte) (n int, err error) {
	s.typing.Lock()
	defer s.typing.Unlock()
	if s.ended {
		return 0, errors.New("input after its end")
	}
	for n < len(p) {
		k := s.reserve(min(len(p)-n, outputChunk))
		if k == 0 {
			return n, net.ErrClosed
		}
		if err := s.send(frameInput, p[n:n+k]...); err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// EndInput types the terminal's end-of-file character once all that was written
// has been read. Nothing can be written after it; calling it again does nothing.
func (s *Stream) EndInput() error {
	s.typing.Lock()
	defer s.typing.Unlock()
	if s.ended {
		return nil
	}
	s.ended = true
	return s.send(frameEndInput)
}

// Resize tells the size of our window. It overtakes input.
func (s *Stream) Resize(rows, cols uint16) error {
	size := binary.BigEndian.AppendUint16(nil, rows)
	return s.send(frameResize, binary.BigEndian.AppendUint16(size, cols)...)
}

// Signal sends sig to the terminal's foreground process group, and to the program that
// ptsns started there; without either, and of who only looks on, it does nothing. It
// overtakes input.
func (s *Stream) Signal(sig syscall.Signal) error {
	return s.send(frameSignal, byte(sig))
}

// Close leaves the terminal, which lives on. It ends the other methods.
func (s *Stream) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.conn.Close()
}

// reserve waits until input may be sent and takes up to n bytes of the window. 0
// means that the stream is over.
func (s *Stream) reserve(n int) int {
	for {
		s.mu.Lock()
		k := min(n, s.window)
		s.window -= k
		s.mu.Unlock()
		if k > 0 {
			return k
		}
		select {
		case <-s.more:
		case <-s.closed:
			return 0
		}
	}
}

// widen lets n more bytes of input through, and never more than a server that
// counts right would.
func (s *Stream) widen(n int) {
	s.mu.Lock()
	s.window = min(s.window+n, inputWindow)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *Stream) send(kind byte, payload ...byte) error {
	frame := appendFrame(make([]byte, 0, frameHeader+len(payload)), kind, payload...)
	s.wmu.Lock()
	defer s.wmu.Unlock()
	_, err := s.conn.Write(frame)
	return err
}

// goneOr says that the server has gone where the error of a read or a write means that.
func goneOr(err error) error {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return ErrServerGone
		}
	}
	return err
}
