package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// join leaves the terminal to ptsns attach, at the selected terminal, until that ends. Why
// it ended is the status line of the next frame. A signal to us ends it, and us.
func (s *topScreen) join(readOnly bool) error {
	s.lend()
	id, args := s.view.selected, []string{"attach"}
	if i := s.view.index(); i >= 0 && s.view.sample.Terminals[i].Serial != "" {
		args = append(args, "--serial", s.view.sample.Terminals[i].Serial) // the one that was shown
	}
	if readOnly {
		args = append(args, "--read-only")
	}
	cmd := exec.Command(self(), append(args, id)...)
	cmd.Args[0] = "ptsns"
	var said tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, &said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() { // ends with attach
		_ = cmd.Wait() // its state tells
		close(ended)
	}()
	for {
		select {
		case <-ended:
			_ = s.write("\r\n") // the program was in the middle of a line, perhaps; enter tells of errors
			s.view.status = said.last()
			if code := cmd.ProcessState.ExitCode(); s.view.status == "" {
				s.view.status = fmt.Sprintf("%s has ended with status %d", id, code)
			}
			return s.enter()
		case <-s.window: // attach looks after it, as after the modes
		case <-s.resumed:
		case sig := <-s.signals:
			_ = cmd.Process.Signal(sig) // one that has ended is as well
			<-ended
			return exitStatus(exitSignal + int(sig.(syscall.Signal)))
		}
	}
}

// tail is a Writer that keeps the end of what is written. It is for one goroutine at a
// time.
type tail struct{ kept []byte }

const maxTail = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - maxTail; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	return len(p), nil
}

// last is the last line that says something.
func (t *tail) last() string {
	last := ""
	for line := range strings.Lines(string(t.kept)) {
		if line = strings.TrimSpace(line); line != "" {
			last = line
		}
	}
	return last
}
