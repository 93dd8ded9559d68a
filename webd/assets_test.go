package webd

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

var references = regexp.MustCompile(`(?:from|href|src)[ =]"([^"#:]+)"`)

// What the page is made of is there, and nothing of it comes from elsewhere.
func TestAssets(t *testing.T) {
	d := openDoor(t, nil)
	err := fs.WalkDir(embedded, "page", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		url := strings.TrimPrefix(name, "page")
		resp, body := d.ask(url, asked{cookie: "-", origin: "-"})
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") == "" {
			t.Errorf("%s: status %d, type %q", url, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
		again, _ := d.ask(url, asked{header: http.Header{"If-None-Match": {resp.Header.Get("ETag")}}})
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: status %d", url, again.StatusCode)
		}
		if path.Dir(url) != "/" {
			return nil
		}
		for _, m := range references.FindAllStringSubmatch(body, -1) {
			if _, err := fs.Stat(embedded, path.Join("page", m[1])); err != nil {
				t.Errorf("%s refers to %q: %v", url, m[1], err)
			}
		}
		if strings.Contains(body, "innerHTML") {
			t.Errorf("%s makes elements of text", url)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if resp, body := d.ask("/", asked{}); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<title>ptsns</title>") {
		t.Errorf("/: status %d", resp.StatusCode)
	}
	for _, url := range []string{"/page/index.html", "/../webd.go", "/vendor/", "/vendor"} {
		if resp, _ := d.ask(url, asked{}); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", url, resp.StatusCode)
		}
	}
}

// The files of others are as scripts/xterm.sh left them.
func TestVendored(t *testing.T) {
	sums, err := embedded.ReadFile("page/vendor/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		content, err := embedded.ReadFile(path.Join("page/vendor", name))
		if sum := sha256.Sum256(content); err != nil || hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s: changed, or %v", name, err)
		}
	}
}
