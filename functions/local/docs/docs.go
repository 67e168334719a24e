// Package docs renders Arngate's OpenAPI document as a page, with a form to send each operation. It is for the local server
// only: the page holds tokens. It needs nothing from other hosts, and its Content-Security-Policy allows nothing from them.
package docs

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
)

// Path is where the page is; what it needs lies below.
const Path = "/docs"

// Identity is somebody to send requests as.
type Identity struct {
	Name     string   // for people
	Variable string   // the shell variable that the local server's screen puts the token into
	Token    string   // a bearer token
	Scopes   []string // what the token allows: operations that ask for one of them use it unless told otherwise
}

// Options of [New]; all are required.
type Options struct {
	Host       string // the address that is listened on: requests with any other Host header are refused
	AWS        string // the address of the local AWS, as the page says it
	Document   []byte // OpenAPI 3.1
	Identities []Identity
}

// policy lets the page use what comes from its own address, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	styleText []byte
	//go:embed page.js
	scriptText []byte
)

// Docs serves the page. Safe for concurrent use.
type Docs struct {
	host  string
	files map[string]file
}

type file struct {
	mediaType string
	content   []byte
}

// New renders the page. It fails where the document isn't one.
func New(o Options) (*Docs, error) {
	var d document
	if err := json.Unmarshal(o.Document, &d); err != nil {
		return nil, fmt.Errorf("read OpenAPI document: %w", err)
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	var rendered bytes.Buffer
	if err := page.Execute(&rendered, viewOf(&d, o)); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return &Docs{host: o.Host, files: map[string]file{
		Path:               {"text/html; charset=utf-8", rendered.Bytes()},
		Path + "/page.css": {"text/css; charset=utf-8", styleText},
		Path + "/page.js":  {"text/javascript; charset=utf-8", scriptText},
	}}, nil
}

// Before serves the page where it is asked for, and leaves every other request to next.
func (d *Docs) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := d.files[r.URL.Path]
		// A page of another name that resolves to loopback must not get the tokens.
		if !ok || r.Host != d.host || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header.Set("Content-Type", f.mediaType)
		header.Set("Content-Security-Policy", policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		_, _ = w.Write(f.content) // a client that is gone needs no page
	})
}
