package termios_test

import (
	"fmt"

	"github.com/ptsns/ptsns/termios"
)

// Settings are changed by the words of stty.
func ExampleTermios_Stty() {
	t, size := termios.Default(), termios.Winsize{}
	if err := t.Stty(&size, "-echo", "intr", "^X", "rows", "24"); err != nil {
		fmt.Println(err)
	}
	fmt.Println(t.Lflag&termios.ECHO != 0, t.Cc[termios.VINTR], size.Row)
	fmt.Println(t.Stty(nil, "-ecoh"))
	// Output:
	// false 24 24
	// stty setting "-ecoh": no such setting
}

// What stty -g saves is a word of stty too.
func ExampleTermios_SttySave() {
	t := termios.Default()
	saved := t.SttySave()
	t.MakeRaw()
	err := t.Stty(nil, saved)
	fmt.Println(t == termios.Default(), err)
	// Output: true <nil>
}

// An SSH client sends its settings, a server makes them those of the terminal.
func ExampleTermios_TakeModes() {
	client := termios.Default()
	client.Cc[termios.VERASE] = '\b'
	modes := client.AppendModes(nil)

	server := termios.Default()
	err := server.TakeModes(modes)
	fmt.Println(server.Cc[termios.VERASE], err)
	// Output: 8 <nil>
}
