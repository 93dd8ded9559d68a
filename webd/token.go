package webd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// minToken is how short a token in a file may be: what a person would make up is shorter.
const minToken = 16

// NewToken makes a token that nobody guesses.
func NewToken() string { return rand.Text() }

// TokenFrom reads the token in a file, which nobody but its owner, us or root, may be
// able to read or write. When there is no such file it makes one, with a new token.
func TokenFrom(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return makeToken(path)
	}
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("token file %q: not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return "", fmt.Errorf("token file %q: others may use it (mode %04o, want 0600)", path, info.Mode().Perm())
	case owner != 0 && int(owner) != os.Geteuid():
		return "", fmt.Errorf("token file %q: it is user %d's", path, owner)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxBody))
	if err != nil {
		return "", fmt.Errorf("token file %q: %w", path, err)
	}
	token := strings.TrimSpace(string(text))
	if len(token) < minToken {
		return "", fmt.Errorf("token file %q: the token is shorter than %d bytes", path, minToken)
	}
	return token, nil
}

func makeToken(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token := NewToken()
	_, err = io.WriteString(f, token+"\n")
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("token file: %w", errors.Join(err, os.Remove(path)))
	}
	return token, nil
}
