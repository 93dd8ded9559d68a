package hub

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestReadOnlyViewersTerminalIsAskedNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end, term := sized(t, newHub())
		writer := join(t, term, ViewerOptions{})
		reader := join(t, term, ViewerOptions{ReadOnly: true})
		end.say("a\x1b[cb\x1b[6nc\x1b]52;c;?\x07d\x05e")
		read(t, term)
		if got, _ := next(t, writer); got != "a\x1b[cb\x1b[6nc\x1b]52;c;?\x07d\x05e" {
			t.Errorf("who may type got %q", got)
		}
		if got, _ := next(t, reader); got != "abcde" {
			t.Errorf("who may not got %q", got)
		}
	})
}

func TestKick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		_, term := sized(t, h)
		v := join(t, term, ViewerOptions{Who: Who{Door: "ssh", Name: "eve"}})
		stays := join(t, term, ViewerOptions{})
		done := make(chan error, 1)
		go func() { _, _, err := v.Next(context.Background(), make([]byte, 1)); done <- err }()
		synctest.Wait()
		list := term.Viewers()
		if len(list) != 2 || list[0].Name != "eve" {
			t.Fatalf("viewers %+v", list)
		}
		if !h.Kick(list[0].ID) || h.Kick(list[0].ID) || h.Kick(4711) {
			t.Error("kicked somebody who is not there, or did not who is")
		}
		if err := <-done; !errors.Is(err, ErrKicked) {
			t.Errorf("ended with %v", err)
		}
		if list := term.Viewers(); len(list) != 1 {
			t.Errorf("left over: %+v", list)
		}
		v.Close()
		stays.Close()
		var kinds []string
		events, err := h.Events().Since(t.Context(), 0)
		for _, e := range events {
			kinds = append(kinds, e.Kind)
		}
		if got, want := strings.Join(kinds, " "), "opened joined joined kicked left"; got != want || err != nil {
			t.Errorf("events %q, %v; want %q", got, err, want)
		}
	})
}

// What waits for room when its viewer is sent away is not typed.
func TestKickWhileTyping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		end, term := sized(t, h)
		end.allow(1)
		v := join(t, term, ViewerOptions{})
		done := make(chan error, 1)
		go func() { done <- v.Write(context.Background(), []byte("rm -rf")) }()
		synctest.Wait()
		h.Kick(v.ID())
		if err := <-done; !errors.Is(err, ErrKicked) {
			t.Errorf("typing ended with %v", err)
		}
		end.allow(100)
		synctest.Wait()
		if got := end.input(); got != "r" {
			t.Errorf("typed %q", got)
		}
	})
}

func TestStealing(t *testing.T) {
	h := newHub()
	end, term := sized(t, h)
	one := join(t, term, ViewerOptions{})
	two := join(t, term, ViewerOptions{Steal: true})
	ctx := t.Context()
	nobody := func(s string) error {
		_, err := term.Type(ctx, Who{}, []byte(s))
		return err
	}
	typed := func(want string, did, wantErr error) {
		t.Helper()
		if !errors.Is(did, wantErr) || end.input() != want {
			t.Errorf("typing: %v, want %v; typed so far %q, want %q", did, wantErr, end.input(), want)
		}
	}
	typed("", one.Write(ctx, []byte("a")), ErrTaken)
	typed("", nobody("b"), ErrTaken)
	typed("c", two.Write(ctx, []byte("c")), nil)
	three := join(t, term, ViewerOptions{Steal: true, ReadOnly: true})
	typed("cd", two.Write(ctx, []byte("d")), nil)
	three.Close()
	four := join(t, term, ViewerOptions{Steal: true})
	typed("cd", two.Write(ctx, []byte("e")), ErrTaken)
	four.Close()
	typed("cdf", two.Write(ctx, []byte("f")), nil)
	typed("cdfg", one.Write(ctx, []byte("g")), nil)
	typed("cdfgh", nobody("h"), nil)
}

// Who was sent away types nothing more, though nobody has told it yet; the end of its
// input is nobody's, and so is that of who may not type.
func TestWhoMayNotTypeEndsNoInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		end := newFakeEnd()
		term, owner := h.Own(end, 0, Opener{}, true, Who{})
		defer term.Close()
		guest := join(t, term, ViewerOptions{})
		thief := join(t, term, ViewerOptions{Steal: true})
		owner.EndInput()
		if !h.Kick(guest.ID()) {
			t.Fatal("no such guest")
		}
		thief.Close()
		guest.EndInput()
		if err := guest.Write(t.Context(), []byte("x")); !errors.Is(err, ErrKicked) {
			t.Errorf("a kicked viewer types: %v", err)
		}
		synctest.Wait()
		if got := end.input(); got != "" {
			t.Errorf("typed %q", got)
		}
		owner.EndInput()
		synctest.Wait()
		if got := end.input(); got != "\x04" {
			t.Errorf("the owner typed %q", got)
		}
	})
}
