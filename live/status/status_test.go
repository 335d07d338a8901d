package status_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scale-eval/scale-eval/live/status"
)

// TestPage: one page, nothing from elsewhere, read-only.
func TestPage(t *testing.T) {
	srv := httptest.NewServer(status.Handler(func() any { return map[string]string{"model": "<script>"} }))
	defer srv.Close()
	for path, want := range map[string]string{"/": `src="/page.js"`, "/page.js": "textContent", "/api/status": `"model":`} {
		r, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != 200 || !strings.Contains(string(b), want) {
			t.Errorf("%s: %s %.80q", path, r.Status, b)
		}
		for _, bad := range []string{"http://", "https://", "innerHTML", "<form", "eval("} {
			if strings.Contains(string(b), bad) {
				t.Errorf("%s has %q", path, bad)
			}
		}
		if path == "/" && !strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Error("no content security policy")
		}
	}
	for _, path := range []string{"/", "/api/status"} {
		r, err := http.Post(srv.URL+path, "text/plain", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %s", path, r.Status)
		}
	}
	if r, err := http.Get(srv.URL + "/etc/passwd"); err != nil || r.StatusCode != 404 {
		t.Error(r.Status, err)
	}
}
