//go:build linux

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// job is what a peer does with its pts.
type job string

const (
	writeBlocks job = "write-blocks" // 64 KiB a write
	writeLines  job = "write-lines"  // a line a write
	readLines   job = "read-lines"   // a line a read, measured
)

// ptsFD is where a peer finds its pts.
const ptsFD = 3

// peer is the process at the other end.
type peer struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout io.Reader
	stderr bytes.Buffer
}

// startPeer starts a process that does j on pts, and waits until it is about to.
func startPeer(argv []string, j job, warm, d time.Duration, pts *os.File) (*peer, error) {
	if len(argv) == 0 {
		return nil, errors.New("no command for a peer")
	}
	args := append(argv[1:len(argv):len(argv)], string(j), warm.String(), d.String())
	p := &peer{cmd: exec.Command(argv[0], args...)}
	p.cmd.ExtraFiles = []*os.File{pts}
	p.cmd.Stderr = &p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a peer: %w", err)
	}
	if _, err := fmt.Fscanln(p.stdout, new(string)); err != nil {
		return nil, errors.Join(fmt.Errorf("the peer's start: %w", err), p.end())
	}
	return p, nil
}

// report waits for what the peer measured.
func (p *peer) report() (rate, error) {
	var bytes, ns int64
	if _, err := fmt.Fscanln(p.stdout, &bytes, &ns); err != nil {
		return rate{}, fmt.Errorf("the peer's report: %w", err)
	}
	return rate{bytes, time.Duration(ns)}, nil
}

// end ends the peer and waits for it.
func (p *peer) end() error {
	_ = p.stdin.Close() // only ever closed
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("the peer: %w: %s", err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	return nil
}

// Serve is a peer: it does what the arguments that startPeer appended say with the
// pts on descriptor 3, until stdin ends. Then it exits, in whatever system call it is.
func Serve(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("want a job and two times, got %q", args)
	}
	warm, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	work, ok := map[job]func() error{
		writeBlocks: func() error { return writeForever(block()) },
		writeLines:  func() error { return writeForever(lines(lineSize)) },
		readLines:   func() error { return reportLines(warm, d) },
	}[job(args[0])]
	if !ok {
		return fmt.Errorf("no job %q", args[0])
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // its end is all that counts
		os.Exit(0)
	}()
	if _, err := fmt.Println("ready"); err != nil {
		return err
	}
	return work()
}

func writeForever(p []byte) error {
	return writeUntil(descriptor(ptsFD), p, new(atomic.Bool))
}

// reportLines measures reading, tells of it, and keeps reading so that whoever
// writes gets to know.
func reportLines(warm, d time.Duration) error {
	r, err := readFor(descriptor(ptsFD), 4096, warm, d)
	if err != nil {
		return err
	}
	if _, err := fmt.Println(r.bytes, int64(r.time)); err != nil {
		return err
	}
	for {
		if _, err := readFor(descriptor(ptsFD), 4096, 0, time.Hour); err != nil {
			return err
		}
	}
}
