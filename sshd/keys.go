package sshd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxKeys is the largest authorized_keys file, in bytes.
const maxKeys = 1 << 20

var errNoKey = errors.New("the key is not in the file")

// Keys is the path of a file of keys that open the door, in sshd(8)'s format with this
// package's options. It is read at each login. One that others may change is
// refused: the file and the directories above must be this user's or root's, and not writable
// by others, except for directories in which nobody may rename what is not theirs.
type Keys string

// Check reads the file as a login does. It tells how many keys it has that let somebody in
// some time, and what is wrong with other lines. fs.ErrNotExist says that there is no file.
func (f Keys) Check() (n int, wrong []error, err error) {
	text, err := f.read()
	if err != nil {
		return 0, nil, err
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		_, _, err := parseLine(line)
		switch {
		case err == nil:
			n++
		case err != errEmptyLine:
			wrong = append(wrong, fmt.Errorf("%s: line %d: %w", f, number, err))
		}
	}
	return n, wrong, nil
}

// find looks for the first line that lets pub in from addr at a time. Its error tells
// the log why there is none.
func (f Keys) find(pub ssh.PublicKey, addr netip.Addr, now time.Time) (*key, error) {
	if _, is := pub.(*ssh.Certificate); is {
		return nil, errors.New("certificates are not taken")
	}
	text, err := f.read()
	if err != nil {
		return nil, err
	}
	want := pub.Marshal()
	why := errNoKey
	number := 0
	for line := range bytes.Lines(text) {
		number++
		got, k, err := parseLine(line)
		if got == nil || !bytes.Equal(got.Marshal(), want) {
			continue
		}
		if err == nil {
			err = k.admits(addr, now)
		}
		if err == nil {
			return k, nil
		}
		why = fmt.Errorf("%s: line %d: %w", f, number, err)
	}
	return nil, why
}

// errEmptyLine means that a line has no key and needs none.
var errEmptyLine = errors.New("an empty line")

// parseLine parses one line. With an error the key is that of the line if it has one.
func parseLine(line []byte) (ssh.PublicKey, *key, error) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil, nil, errEmptyLine
	}
	pub, comment, list, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, nil, err
	}
	if _, is := pub.(*ssh.Certificate); is {
		return pub, nil, errors.New("certificates are not taken")
	}
	k := &key{name: printable(comment)}
	if k.name = strings.TrimSpace(k.name); k.name == "" {
		k.name = ssh.FingerprintSHA256(pub)
	}
	if len(k.name) > maxName {
		k.name = strings.ToValidUTF8(k.name[:maxName], "")
	}
	return pub, k, k.take(list)
}

// maxName is the longest name of a viewer, in bytes.
const maxName = 128

// read returns the file's text, if nobody else can have written it.
func (f Keys) read() ([]byte, error) {
	path, err := filepath.Abs(string(f))
	if err != nil {
		return nil, err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%q is not a regular file", path)
	}
	if err := checkOurs(path, info, 0o022); err != nil {
		return nil, err
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return nil, err
		}
		if err := checkOurs(dir, info, 0o022); err != nil {
			return nil, err
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxKeys+1))
	if err == nil && len(text) > maxKeys {
		err = fmt.Errorf("%q has more than %d bytes", path, maxKeys)
	}
	return text, err
}

// checkOurs refuses what is neither this user's nor root's, or is open to others in one of
// the ways of mode.
func checkOurs(path string, info fs.FileInfo, mode fs.FileMode) error {
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("%q belongs to somebody else", path)
	}
	if info.IsDir() && info.Mode()&fs.ModeSticky != 0 {
		return nil
	}
	if open := info.Mode().Perm() & mode; open != 0 {
		return fmt.Errorf("%q is open to others (mode %04o)", path, info.Mode().Perm())
	}
	return nil
}
