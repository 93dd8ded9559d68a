//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAPIDoor makes a namespace, drives its terminal and ends it, all through one socket.
func TestAPIDoor(t *testing.T) {
	t.Parallel()
	need(t, "fuse")
	r := newRuntime(t)
	socket := filepath.Join(t.TempDir(), "api")
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := r.run("serve", "--api", socket); out.code == 0 || !strings.Contains(out.stderr, "address already in use") {
		t.Errorf("over a file that is no socket: status %d, %s", out.code, out.stderr)
	}
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	stale, err := net.Listen("unix", socket) // as a door that was killed leaves it
	if err != nil {
		t.Fatal(err)
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = stale.Close()

	serve := r.command("serve", "--api", socket)
	stderr, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := sync.OnceValue(func() error {
		_ = serve.Process.Signal(unix.SIGTERM) // it may have ended
		_, _ = io.Copy(io.Discard, stderr)     // it ends with the process
		return serve.Wait()
	})
	defer ended()
	if line, err := bufio.NewReader(stderr).ReadString('\n'); line != "ptsns: api on "+socket+"\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string) (status int, answer string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://ptsns/v1/namespaces"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	status, made := ask("POST", "", `{"name":"bot","program":{"argv":["sh"],"env":["PS1=$ "]}}`)
	var program struct{ PID int }
	if err := json.Unmarshal([]byte(made), &program); status != 201 || err != nil {
		t.Fatalf("%d %s, %v", status, made, err)
	}
	if status, body := ask("POST", "", `{"name":"bot","program":{"argv":["sh"]}}`); status != 409 {
		t.Errorf("twice: %d %s", status, body)
	}
	if status, body := ask("POST", "/bot/terminals/0/input", `{"data":"echo $((6*7))\n"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := ask("POST", "/bot/terminals/0/await", `{"text":"42","timeout":"30s"}`); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	file := filepath.Join(publicDir(t), "bot.cast")
	record := fmt.Sprintf(`{"file":%q}`, file)
	for _, method := range []string{"POST", "DELETE"} { // the terminal of another program is not meant
		if status, body := ask(method, fmt.Sprintf("/bot/terminals/0/record?pid=%d", program.PID+1), record); status != 404 {
			t.Errorf("%s of another program: %d %s", method, status, body)
		}
		if status, body := ask(method, fmt.Sprintf("/bot/terminals/0/record?pid=%d", program.PID), record); status != 204 {
			t.Errorf("%s: %d %s", method, status, body)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	var list []struct {
		Name      string
		Terminals []struct{ ID string }
	}
	_, body := ask("GET", "", "")
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 1 || list[0].Name != "bot" || len(list[0].Terminals) != 1 {
		t.Errorf("%s, %v", body, err)
	}
	if got := r.state("bot").Name; got != "bot" {
		t.Errorf("others see %q", got)
	}
	if status, body := ask("DELETE", "/bot", ""); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask("GET", "/bot", ""); status != 404 {
		t.Errorf("after its end: %d", status)
	}
	client.CloseIdleConnections()
	if err := ended(); err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := os.Lstat(socket); !os.IsNotExist(err) {
		t.Errorf("it left its socket: %v", err)
	}
}
