//go:build linux

package parent_test

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pty"
	"github.com/ptsns/ptsns/server"
)

// A shell in a namespace of its own, and what is on its terminal. It needs the program
// ptsns in PATH, and root or user namespaces.
func Example() {
	ctx := context.Background()
	p, err := parent.Open()
	if err != nil {
		log.Fatal(err)
	}
	srv, note, err := p.Create(ctx, server.Config{Options: "newinstance,ptmxmode=666,max=64"})
	if err != nil {
		log.Fatal(err)
	}
	if note != "" {
		log.Print(note)
	}
	stream, err := srv.Client().StartAttached(ctx, server.Spec{
		Argv: []string{"sh", "-c", "tty; read line; echo got $line"}, Env: os.Environ(), Rows: 24, Cols: 80,
	})
	if err != nil {
		srv.Abandon()
		log.Fatal(err)
	}
	defer stream.Close()
	if _, err := stream.Write([]byte("a line\n")); err != nil {
		log.Fatal(err)
	}
	for {
		e, err := stream.Next()
		if err != nil {
			log.Fatal(err)
		}
		switch e.Kind {
		case control.Output:
			os.Stdout.Write(e.Output)
		case control.Exit:
			fmt.Println("exit status", e.Code)
			return
		}
	}
}

// Who has which terminal, in all namespaces.
func ExampleParent_List() {
	p, err := parent.Open()
	if err != nil {
		log.Fatal(err)
	}
	list, err := p.List(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, ns := range list {
		if ns.Error != "" {
			fmt.Println(ns.Name, ns.Error)
		}
		for _, t := range ns.Terminals {
			fmt.Println(t.ID, t.Foreground.Comm)
		}
	}
}

// A program shows the terminals that it has in itself: `ptsns ls` lists them as myprogram/0
// and so on, and `ptsns attach myprogram/0` joins one.
func ExampleParent_Publish() {
	p, err := parent.Open()
	if err != nil {
		log.Fatal(err)
	}
	ns, err := p.Publish(server.VirtualConfig{Name: "myprogram"})
	if err != nil {
		log.Fatal(err)
	}
	defer ns.Close()
	ptm, tty := pty.Open()
	term, _ := ns.Hub().Own(ptm.End(nil), 0, hub.Opener{PID: os.Getpid(), Comm: "myprogram"}, false, hub.Who{})
	term.SetSize(24, 80) // until a viewer's window says otherwise
	fmt.Fprintln(tty, "what is your name?")
	name, err := bufio.NewReader(tty).ReadString('\n') // as somebody types it
	fmt.Fprintf(tty, "hello %s(%v)\n", name, err)
	_ = tty.Close()
	term.Finish()
	<-term.Done()
}
