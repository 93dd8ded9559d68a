package pty_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ptsns/ptsns/job"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
	"github.com/ptsns/ptsns/wait"
)

// A program that asks for a line. The terminal does the editing: what is typed wrongly
// and erased never reaches the program, and what the person sees is echo.
func ExampleOpen() {
	ptm, tty := pty.Open()
	defer ptm.Close()
	defer tty.Close()

	go io.WriteString(ptm, "hello wolrd\x7f\x7f\x7frld\r") // a person types, and corrects with DEL

	fmt.Fprint(tty, "say: ")
	line, err := bufio.NewReader(tty).ReadString('\n')
	fmt.Printf("%q %v\n", line, err)
	// Output: "hello world\n" <nil>
}

// A password is read with echo off, and the newline that was not echoed is written.
func ExamplePTS_SetTermios() {
	ptm, tty := pty.Open()
	defer tty.Close()

	old, _ := tty.Termios()
	silent := old
	silent.Lflag &^= termios.ECHO
	if err := tty.SetTermios(pty.TCSAFLUSH, silent); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(tty, "password: ")
	io.WriteString(ptm, "sesame\r")
	password, _ := bufio.NewReader(tty).ReadString('\n')
	fmt.Fprint(tty, "\n")
	_ = tty.SetTermios(pty.TCSADRAIN, old)

	screen := make([]byte, 100)
	n, _ := ptm.Read(screen)
	fmt.Printf("the program has %q, the screen %q\n", password, screen[:n])
	_ = ptm.Close()
	// Output: the program has "sesame\n", the screen "password: \r\n"
}

// ^C does not reach the program as a byte: the terminal makes a signal of it and drops
// what was typed before.
func ExamplePTS_HandleSignals() {
	ptm, tty := pty.Open()
	defer ptm.Close()
	defer tty.Close()

	tty.HandleSignals(func(s pts.Signal) { fmt.Println("got", s) })
	io.WriteString(ptm, "rm -rf /")
	io.WriteString(ptm, "\x03")
	io.WriteString(ptm, "ls\r")

	line, _ := bufio.NewReader(tty).ReadString('\n')
	fmt.Printf("%q\n", line)
	// Output:
	// got SIGINT
	// "ls\n"
}

// A window is resized: the program hears of it and asks for the size.
func ExamplePTM_SetWinsize() {
	ptm, tty := pty.Open()
	defer ptm.Close()
	defer tty.Close()

	tty.HandleSignals(func(s pts.Signal) {
		if s == pts.SIGWINCH {
			size, _ := tty.Winsize()
			fmt.Println(size.Row, "rows of", size.Col)
		}
	})
	_ = ptm.SetWinsize(termios.Winsize{Row: 24, Col: 80})
	_ = ptm.SetWinsize(termios.Winsize{Row: 24, Col: 80}) // nothing new
	_ = ptm.SetWinsize(termios.Winsize{Row: 50, Col: 132})
	// Output:
	// 24 rows of 80
	// 50 rows of 132
}

// Whoever carries a terminal's bytes reads until EIO: the program has closed its last end, and
// everything it wrote has come.
func ExamplePTM_Read() {
	ptm, tty := pty.Open()
	defer ptm.Close()

	go func() {
		fmt.Fprintln(tty, "bye")
		_ = tty.Close()
	}()
	var screen strings.Builder
	_, err := io.Copy(&screen, ptm)
	fmt.Printf("%q %v\n", screen.String(), errors.Is(err, pts.EIO))
	// Output: "bye\r\n" true
}

// A test of a program that asks: what does not come in time is an error that says so.
func ExamplePTM_SetReadDeadline() {
	ptm, tty := pty.Open()
	defer ptm.Close()
	defer tty.Close()

	fmt.Fprint(tty, "login: ")
	_ = ptm.SetReadDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 100)
	n, err := ptm.Read(b)
	fmt.Printf("%q %v\n", b[:n], err)

	_ = ptm.SetReadDeadline(time.Now()) // nothing more is to come
	_, err = ptm.Read(b)
	fmt.Println(errors.Is(err, os.ErrDeadlineExceeded))
	// Output:
	// "login: " <nil>
	// true
}

// An event loop registers first, then looks, then waits; End's methods do not block.
func ExamplePTM_Notify() {
	ptm, tty := pty.Open()
	defer ptm.Close()
	defer tty.Close()

	again := make(chan struct{}, 1)
	stop := ptm.Notify(wait.In, func(wait.Events) {
		select {
		case again <- struct{}{}:
		default: // it looks again anyway
		}
	})
	defer stop()
	go fmt.Fprint(tty, "hello")

	for ptm.Poll()&wait.In == 0 {
		<-again
	}
	b := make([]byte, 100)
	n, err := ptm.End(nil).Read(b)
	fmt.Printf("%q %v\n", b[:n], err)
	_, err = ptm.End(nil).Read(b)
	fmt.Println(err == pts.EAGAIN)
	// Output:
	// "hello" <nil>
	// true
}

// A system of one's own, with processes: the terminal becomes the shell's by being opened, ^Z goes to
// whom the shell has put into the foreground, and who reads in the background is stopped.
func ExampleNew() {
	processes := job.NewTable(func(p *job.Proc, s pts.Signal, e job.Event) {
		fmt.Println("process", p.PID(), e, "by", s)
	})
	shell := processes.Start(nil, 0, 0)
	ptm := pty.New(shell, pty.Config{})
	_ = ptm.Unlock()
	tty, err := ptm.OpenPTS(shell, pty.O_RDWR)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tty.Close()

	editor := processes.Start(shell, 0, 0)
	_ = editor.Setpgid(0)
	_ = tty.SetForeground(editor.Group())
	_, _ = ptm.Write([]byte("\x1a"))

	shell.Action(pts.SIGTTOU, job.Ignored) // as shells do
	_ = tty.SetForeground(shell.Group())
	editor.Signal(pts.SIGCONT)
	_, err = tty.End(editor).Read(make([]byte, 1))
	fmt.Println(err == pts.ERESTARTSYS)
	_ = ptm.Close() // hangs up
	// Output:
	// process 2 stopped by SIGTSTP
	// process 2 continued by SIGCONT
	// process 2 stopped by SIGTTIN
	// true
	// process 1 killed by SIGHUP
}
