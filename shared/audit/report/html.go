package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"sync"

	"github.com/arngate/arngate/shared/audit"
)

//go:embed page
var files embed.FS

// HTML renders r as one page that needs nothing else: no script, style, font or image comes from elsewhere. It reads the same
// without its script, which only offers to copy, and opens what is folded for printing. Serve it with [ContentSecurityPolicy].
func HTML(r audit.Report) ([]byte, error) {
	shown := pageOf(r)
	return execute("report", struct {
		page

		Head head
	}{shown, headOf(shown.Provider + " · Permission audit")})
}

// Notice renders a page that says one thing, such as that a link has expired; about is the request that was answered so. Serve it
// with [ContentSecurityPolicy].
func Notice(title, text, about string) ([]byte, error) {
	return execute("notice", struct {
		Head               head
		Title, Text, About string
	}{headOf(visible(title)), visible(title), visible(text), visible(about)})
}

func execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := assets().templates.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("render page: %w", err)
	}
	return b.Bytes(), nil
}

// ContentSecurityPolicy is the header under which the pages of this package are served: nothing is loaded, sent or framed, and
// only the style and the script of this package run, which are known by their hashes. The pages say the same of themselves, for
// those who keep one as a file.
func ContentSecurityPolicy() string { return assets().policy + "; frame-ancestors 'none'" }

// head is what every page begins with.
type head struct {
	Title, Policy string
	Style         template.CSS
	Script        template.JS
}

func headOf(title string) head {
	a := assets()
	return head{Title: title, Policy: a.policy, Style: a.style, Script: a.script}
}

// parts are what pages are made of.
type parts struct {
	templates *template.Template
	style     template.CSS
	script    template.JS
	policy    string // without what only a header may say
}

// assets reads the embedded files once. That they can be read is proved by every test.
var assets = sync.OnceValue(func() parts {
	style, script := embedded("page/style.css"), embedded("page/copy.js")
	return parts{
		templates: template.Must(template.New("").Parse(embedded("page/report.html"))),
		style:     template.CSS(style), //nolint:gosec // G203: our own file
		script:    template.JS(script), //nolint:gosec // G203: our own file
		policy: "default-src 'none'; style-src " + hashSource(style) + "; script-src " + hashSource(script) +
			"; base-uri 'none'; form-action 'none'",
	}
})

func embedded(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return strings.TrimSpace(string(text))
}

// hashSource is the source expression of an inline style or script. (Content Security Policy Level 3, "Hash usage")
func hashSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
