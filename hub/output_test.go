package hub

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOutputSinceACursor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, New(Options{Ended: func() {}, History: 16 << 10}))
		got := make(chan Output, 1)
		go func() {
			o, err := term.Output(t.Context(), 0, 100)
			if err != nil {
				t.Error(err)
			}
			got <- o
		}()
		synctest.Wait()
		end.say("hello")
		read(t, term)
		if diff := cmp.Diff(Output{From: 0, Next: 5, Data: []byte("hello")}, <-got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := term.Output(t.Context(), 6, 100); !errors.Is(err, ErrBadCursor) {
			t.Errorf("a cursor past the end: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if o, err := term.Output(ctx, 5, 100); !errors.Is(err, context.DeadlineExceeded) || o.Next != 5 {
			t.Errorf("nothing came: %+v, %v", o, err)
		}
		if len(term.asleep) != 0 {
			t.Error("it still waits")
		}
		end.say(strings.Repeat("x", 20<<10))
		read(t, term)
		if o, err := term.Output(t.Context(), 5, 100); err != nil || o.From != 5+4<<10 || o.Next != o.From+100 {
			t.Errorf("from %d to %d, %v", o.From, o.Next, err)
		}
		_ = term.Close()
		at := term.Cursor()
		if o, err := term.Output(t.Context(), at, 100); err != nil || !o.Ended || len(o.Data) != 0 {
			t.Errorf("after the end: %+v, %v", o, err)
		}
	})
}
