package sshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// testKeyLine is a public key, as ssh-keygen writes it.
const testKeyLine = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILc+4CNwFX1YSxLYgE18Ds9r0E6+Ej7pVePJmqszA4Vv dev@laptop"

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// line is what stands in a file for a key.
func line(pub ssh.PublicKey, options, comment string) string {
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub)))
	return strings.TrimSpace(options + " " + text + " " + comment)
}

// writeKeys makes an authorized_keys file in a directory that is ours alone.
func writeKeys(t *testing.T, lines ...string) Keys {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authorized_keys")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return Keys(file)
}

var home = netip.MustParseAddr("127.0.0.1")

func TestFind(t *testing.T) {
	one, two, other := newSigner(t).PublicKey(), newSigner(t).PublicKey(), newSigner(t).PublicKey()
	keys := writeKeys(t,
		"# keys", "",
		"ssh-ed25519 nonsense",
		line(one, `namespaces="vs1"`, "me  \u202eand\x1b[31m you"),
		line(one, "read-only", "again"),
		line(two, `command="true"`, "unknown option"),
		line(two, `from="10.0.0.1"`, "elsewhere"),
		line(two, "read-only", ""),
	)
	k, err := keys.find(one, home, time.Now())
	if err != nil || k.name != "me  ?and?[31m you" || k.readOnly || !k.allows("vs1") || k.allows("vs2") {
		t.Errorf("the first key: %+v, %v", k, err)
	}
	k, err = keys.find(two, home, time.Now()) // the lines before it do not let in
	if err != nil || k.name != ssh.FingerprintSHA256(two) || !k.readOnly {
		t.Errorf("the second key: %+v, %v", k, err)
	}
	if k, err := keys.find(other, home, time.Now()); err != errNoKey {
		t.Errorf("another key: %+v, %v", k, err)
	}
	n, wrong, err := keys.Check()
	if n != 4 || len(wrong) != 2 || err != nil {
		t.Errorf("Check: %d keys, %v, %v", n, wrong, err)
	}
}

// What a line says is read each time.
func TestFindReadsAgain(t *testing.T) {
	pub := newSigner(t).PublicKey()
	keys := writeKeys(t, line(pub, "", ""))
	if _, err := keys.find(pub, home, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(string(keys), []byte("# nobody\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.find(pub, home, time.Now()); err == nil {
		t.Error("the key still lets in")
	}
	if err := os.Remove(string(keys)); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.find(pub, home, time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}

func TestKeysOpenToOthers(t *testing.T) {
	pub := newSigner(t).PublicKey()
	tests := []struct {
		name    string
		prepare func(file string) error
		err     string
	}{
		{"as it should be", func(string) error { return nil }, ""},
		{"readable by all", func(file string) error { return os.Chmod(file, 0o644) }, ""},
		{"writable by the group", func(file string) error { return os.Chmod(file, 0o620) }, "open to others"},
		{"writable by all", func(file string) error { return os.Chmod(file, 0o602) }, "open to others"},
		{"in a directory for all", func(file string) error { return os.Chmod(filepath.Dir(file), 0o777) }, "open to others"},
		{"in a sticky directory", func(file string) error { return os.Chmod(filepath.Dir(file), 0o777|os.ModeSticky) }, ""},
		{"too large", func(file string) error { return os.WriteFile(file, make([]byte, maxKeys+1), 0o600) }, "more than"},
		{"a directory", func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) }, "not a regular file"},
		{"a link to one that is open", func(file string) error {
			aside := filepath.Join(filepath.Dir(file), "aside")
			return errors.Join(os.Rename(file, aside), os.Chmod(aside, 0o666), os.Symlink(aside, file))
		}, "open to others"},
	}
	if os.Geteuid() == 0 {
		tests = append(tests, struct {
			name    string
			prepare func(file string) error
			err     string
		}{"somebody else's", func(file string) error { return os.Chown(file, 12345, -1) }, "belongs to somebody else"})
	}
	for _, tt := range tests {
		keys := writeKeys(t, line(pub, "", ""))
		if err := tt.prepare(string(keys)); err != nil {
			t.Fatal(err)
		}
		_, err := keys.find(pub, home, time.Now())
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.err)
		}
	}
}

// A certificate proves nothing here, whatever key is in it and whatever the file says.
func TestCertificatesAreRefused(t *testing.T) {
	ca, user := newSigner(t), newSigner(t)
	cert := &ssh.Certificate{Key: user.PublicKey(), CertType: ssh.UserCert, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	keys := writeKeys(t, line(cert, "", ""), line(user.PublicKey(), "", ""), line(ca.PublicKey(), "", ""))
	if k, err := keys.find(cert, home, time.Now()); err == nil {
		t.Errorf("a certificate lets in: %+v", k)
	}
	if n, wrong, err := keys.Check(); n != 2 || len(wrong) != 1 || err != nil {
		t.Errorf("Check: %d, %v, %v", n, wrong, err)
	}
}

func TestHostKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "host")
	one, err := HostKey(file)
	if err != nil {
		t.Fatal(err)
	}
	two, err := HostKey(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ssh.FingerprintSHA256(two.PublicKey()), ssh.FingerprintSHA256(one.PublicKey()); got != want {
		t.Errorf("at the second start the key is %s, at the first %s", got, want)
	}
	if one.PublicKey().Type() != ssh.KeyAlgoED25519 {
		t.Errorf("a key of type %s", one.PublicKey().Type())
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if names, err := os.ReadDir(filepath.Dir(file)); len(names) != 1 || err != nil {
		t.Errorf("beside the key: %v, %v", names, err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := HostKey(file); err == nil || !strings.Contains(err.Error(), "open to others") {
		t.Errorf("a key that others can read: %v", err)
	}
	if err := errors.Join(os.WriteFile(file, []byte("no key"), 0o600), os.Chmod(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := HostKey(file); err == nil {
		t.Error("a file that is no key is taken")
	}
}

// Two doors that start at once have one key.
func TestHostKeyMadeOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "host")
	keys := make(chan string)
	for range 4 {
		go func() {
			key, err := HostKey(file)
			if err != nil {
				keys <- fmt.Sprint(err)
				return
			}
			keys <- ssh.FingerprintSHA256(key.PublicKey())
		}()
	}
	first := <-keys
	for range 3 {
		if other := <-keys; other != first {
			t.Errorf("%s and %s", first, other)
		}
	}
}
