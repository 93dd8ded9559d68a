package control

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// protocol is the word in the Upgrade header.
const protocol = "ptsns"

// outputChunk is the most output that goes into one frame.
const outputChunk = 32 << 10

// attached is the server's end of a stream.
type attached struct {
	joined
	conn net.Conn
	r    *bufio.Reader // readFrames' alone
	in   inputQueue

	kickedBy atomic.Pointer[hub.Who] // nil unless somebody kicks the viewer: from then on it does nothing

	writing chan struct{} // one slot, taken while a frame is written to conn
}

func newAttached(j joined, conn net.Conn, r *bufio.Reader) *attached {
	return &attached{joined: j, conn: conn, r: r, writing: make(chan struct{}, 1)}
}

// stream turns the connection of a request into a stream and serves it until the
// terminal has ended or the client has gone. An error is one that can still be answered.
func (h *handler) stream(w http.ResponseWriter, j joined, r role) error {
	defer j.viewer.Close()
	ctx, leave, ok := h.clients.enter(r)
	if !ok {
		return server.ErrEnding
	}
	defer leave()
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("turn the connection into a stream: %w", err)
	}
	defer conn.Close()
	a := newAttached(j, conn, rw.Reader)
	defer h.register(j.id, a)()
	if a.greet() == nil {
		a.serve(ctx)
	}
	return nil
}

// greet says that this is a stream now.
func (a *attached) greet() error {
	if err := a.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	answer := fmt.Sprintf("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s: %d\r\n%s: %s\r\n",
		protocol, headerTerminal, a.index, headerSerial, a.serial)
	if a.pid != 0 {
		answer += fmt.Sprintf("%s: %d\r\n", headerPID, a.pid)
	}
	_, err := io.WriteString(a.conn, answer+"\r\n")
	return err
}

// serve relays both ways until the end of either side. It leaves no goroutine.
func (a *attached) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = a.conn.Close() }) // ends reads and writes in progress
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { // readFrames: ends with the connection
		defer cancel()
		a.readFrames(ctx, &running)
	})
	a.relayOutput(ctx)
	cancel()
	running.Wait()
}

// relayOutput sends what the terminal puts out, and how it ended.
func (a *attached) relayOutput(ctx context.Context) {
	buf := make([]byte, frameHeader+outputChunk)
	for {
		n, lost, err := a.viewer.Next(ctx, buf[frameHeader:])
		if lost > 0 {
			if a.send(frameLost, binary.BigEndian.AppendUint64(nil, lost)...) != nil {
				return
			}
		}
		if n > 0 {
			putHeader(buf[:frameHeader+n], frameOutput)
			if a.write(buf[:frameHeader+n]) != nil {
				return
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			a.fail(ctx, err)
			return
		}
	}
	if a.process == nil {
		_ = a.send(frameEnd) // whether or not it is heard, this is over
		return
	}
	code, err := a.process.Wait(ctx)
	if err != nil {
		a.fail(ctx, err)
		return
	}
	_ = a.send(frameExit, binary.BigEndian.AppendUint32(nil, uint32(code))...) // the same
}

// readFrames does what the client says until it says something wrong or goes.
func (a *attached) readFrames(ctx context.Context, running *sync.WaitGroup) {
	var buf []byte
	for {
		kind, payload, err := readFrame(a.r, &buf)
		if err != nil {
			return
		}
		if a.kickedBy.Load() != nil {
			continue // relayOutput tells it so, and ends this
		}
		switch kind {
		case frameInput, frameEndInput:
			idle, ok := a.in.put(payload, kind == frameEndInput)
			if !ok {
				a.fail(ctx, fmt.Errorf("%w: input past its window or its end", errProtocol))
				return
			}
			if idle {
				running.Go(func() { a.relayInput(ctx) }) // ends when the queue is empty
			}
		case frameResize:
			a.viewer.Resize(binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:]))
		case frameSignal:
			a.passSignal(syscall.Signal(payload[0]))
		default:
			a.fail(ctx, fmt.Errorf("%w: frame %q", errProtocol, kind))
			return
		}
	}
}

// passSignal passes a signal on. One for a terminal with nothing in its foreground, or
// for a program that has ended, has nobody to go to; who only looks on sends none.
func (a *attached) passSignal(sig syscall.Signal) {
	if !a.readOnly && sig > 0 && sig <= maxSignal {
		_ = a.signal(sig)
	}
}

// relayInput types what is queued and lets the client send more.
func (a *attached) relayInput(ctx context.Context) {
	for {
		p, end := a.in.take()
		if len(p) == 0 && !end || a.kickedBy.Load() != nil {
			return
		}
		if len(p) > 0 {
			err := a.viewer.Write(ctx, p)
			switch {
			case errors.Is(err, hub.ErrReadOnly):
				a.fail(ctx, err)
				return
			case errors.Is(err, hub.ErrTaken):
				if a.send(frameRefused, binary.BigEndian.AppendUint32(nil, uint32(len(p)))...) != nil {
					return
				}
			case err != nil:
				return // the terminal or the client has gone, and relayOutput hears of it
			}
			if n := a.in.taken(len(p)); n > 0 && a.send(frameWindow, binary.BigEndian.AppendUint32(nil, uint32(n))...) != nil {
				return
			}
		}
		if end {
			a.viewer.EndInput()
		}
	}
}

// fail tells the client why the stream ends, if it is still there, and ends it.
func (a *attached) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, hub.ErrKicked) {
		err = kickError{a.kickedBy.Load()}
	}
	a.hurry()
	e, _ := describe(err)
	text, merr := json.Marshal(e)
	if merr == nil && len(text) <= maxPayload {
		_ = a.send(frameFailure, text...) // it may have gone
	}
	_ = a.conn.Close() // ends the other goroutines of the stream
}

// hurry gives a client that is to go little time to read what is left for it. One that
// does not read at all would else stay, and go on typing.
func (a *attached) hurry() {
	_ = a.conn.SetWriteDeadline(time.Now().Add(leaveGrace)) // fails once it has gone
}

func (a *attached) send(kind byte, payload ...byte) error {
	return a.write(appendFrame(nil, kind, payload...))
}

func (a *attached) write(frame []byte) error {
	a.writing <- struct{}{}
	defer func() { <-a.writing }()
	_, err := a.conn.Write(frame)
	return err
}
