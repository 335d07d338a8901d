// Package status is a page about a running process, for a person with a browser: is
// it acting, on what model, what does it see, what did it decide and why.
//
// It is one embedded file without anything from elsewhere, read-only, and shows what
// /api/status answers: the page has no knowledge of its own. Names come from traces,
// so the page puts them into text nodes only, and its content security policy allows
// no script but its own.
package status

import (
	_ "embed"
	"encoding/json"
	"net/http"
)

//go:embed page.html
var page []byte

// policy allows the page's own style and script by their presence in it, nothing
// from elsewhere, and questions to its own origin.
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.js
var script []byte

// Handler serves the page at /, its script at /page.js and what view returns, as
// JSON, at /api/status. view is called once a question.
func Handler(view func() any) http.Handler {
	mux := http.NewServeMux()
	serve := func(path, kind string, body []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Security-Policy", policy)
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Write(body)
		})
	}
	serve("/{$}", "text/html; charset=utf-8", page)
	serve("/page.js", "text/javascript; charset=utf-8", script)
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_ = json.NewEncoder(w).Encode(view()) // the reader went away
	})
	return mux
}
