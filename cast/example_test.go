package cast_test

import (
	"fmt"
	"os"
	"time"

	"github.com/ptsns/ptsns/cast"
)

func Example() {
	now := time.Unix(1777636800, 0) // elsewhere time.Now()
	w, err := cast.NewWriter(os.Stdout, cast.Header{Rows: 24, Cols: 80, Term: "xterm", Start: now}, cast.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	w.Output(now.Add(250*time.Millisecond), []byte("hello\r\n"))
	w.Resize(now.Add(time.Second), 30, 90)
	w.Exit(now.Add(2*time.Second), 0)
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"version":3,"term":{"cols":80,"rows":24,"type":"xterm"},"timestamp":1777636800}
	// #=/N853lJmYDLLU4TR/74zOQ
	// [0.25, "o", "hello\r\n"]
	// #=nH6h/xfJB7ttplnyGAGl0w
	// [0.75, "r", "90x30"]
	// #=J687b8eYjqOZMZLs3RL/Cg
	// [1, "x", "0"]
	// #=M41Bq9G8Aip5pdQFM4p5Xw
	// #=end 338d41abd1bc022a79a5d405338a795f803bfee26db7f6f534c55a36ec0434e5
}
