package pty_test

import (
	"bufio"
	"fmt"
	"io"

	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/termios"
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
