package hub_test

import (
	"context"
	"fmt"
	"io"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/screen"
)

// A virtual terminal, on any OS: a program writes to it, and who joins later sees what is
// on it.
func Example() {
	ptm, tty := pty.Open()
	h := hub.New(hub.Options{Ended: func() {}})
	term, _ := h.Own(ptm.End(nil), 0, hub.Opener{Comm: "example"}, false, hub.Who{})
	term.SetSize(24, 80)

	fmt.Fprintf(tty, "\x1b]2;editor\x07\x1b[?1049h\x1b[HHello, \x1b[1mworld\x1b[m\nname: ")
	viewer, err := term.Join(hub.ViewerOptions{Who: hub.Who{Name: "eve"}, Rows: 24, Cols: 80})
	if err != nil {
		fmt.Println(err)
		return
	}
	go viewer.Write(context.Background(), []byte("eve\r"))
	line := make([]byte, 100)
	n, _ := tty.Read(line)
	_ = tty.Close()
	term.Finish()

	window := screen.New(24, 80, screen.Options{})
	buf := make([]byte, 4096)
	for {
		n, _, err := viewer.Next(context.Background(), buf)
		window.Write(buf[:n])
		if err == io.EOF {
			break
		}
	}
	fmt.Printf("the program read %q\n", line[:n])
	fmt.Printf("%q\n%s\n", window.Title(), window.Text())
	// Output:
	// the program read "eve\n"
	// "editor"
	// Hello, world
	// name: eve
}
