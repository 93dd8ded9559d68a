package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/server"
)

// A test of a program that draws: it types, and waits for what must be on the screen.
func ExampleTerminal() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := control.Dial(ctx, "/run/ptsns/vs1/socket") // or package parent's Dial
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	vim, err := client.Open(ctx, server.Spec{Argv: []string{"vim", "-u", "NONE", "notes"}, Env: os.Environ(), Rows: 24, Cols: 80})
	if err != nil {
		log.Fatal(err)
	}
	if err := vim.Type("ihello\x1b"); err != nil {
		log.Fatal(err)
	}
	if _, err := vim.Await(control.Regexp(`^hello\n~`)); err != nil {
		log.Fatal(err) // says what is on the screen instead
	}
	if err := vim.Type(":wq\r"); err != nil {
		log.Fatal(err)
	}
	code, err := vim.Wait()
	fmt.Println(code, err)
}

// A password is typed when it is asked for and not shown: never before.
func ExampleTerminal_Await() {
	ctx := context.Background()
	client, err := control.Dial(ctx, "/run/ptsns/vs1/socket")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	login := client.Terminal(ctx, 0)
	if _, err := login.Await(control.Text("Password: ").And(control.Echo(false))); err != nil {
		log.Fatal(err)
	}
	if _, err := login.Ask("secret\r", control.Regexp(`\$ |incorrect`)); err != nil {
		log.Fatal(err)
	}
}

// All that a terminal puts out, from its first byte to its end.
func ExampleClient_Output() {
	ctx := context.Background()
	client, err := control.Dial(ctx, "/run/ptsns/vs1/socket")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	var next uint64
	for {
		o, err := client.Output(ctx, 0, next, 64<<10, time.Minute)
		if err != nil {
			log.Fatal(err)
		}
		if lost := o.From - next; lost > 0 {
			log.Printf("%d bytes came too late to be kept", lost)
		}
		_, _ = os.Stdout.Write(o.Data)
		if next = o.Next; o.Ended {
			break
		}
	}
}

// Joining is for people: the stream is what their terminal gets.
func ExampleClient_Attach() {
	ctx := context.Background()
	client, err := control.Dial(ctx, "/run/ptsns/vs1/socket")
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	stream, err := client.Attach(ctx, -1, control.AttachOptions{Who: hub.Who{Door: "wall", Name: "the screen in the hall"}, ReadOnly: true, Rows: 50, Cols: 200})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	for {
		event, err := stream.Next()
		switch {
		case errors.Is(err, io.EOF):
			return
		case errors.Is(err, hub.ErrKicked):
			log.Print(err)
			return
		case err != nil:
			log.Fatal(err)
		case event.Kind == control.Output:
			_, _ = os.Stdout.Write(event.Output)
		}
	}
}
