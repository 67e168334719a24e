package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"time"
)

// namespace of S3's documents.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// timeFormat of S3's documents: whole seconds with milliseconds that are always zero.
const timeFormat = "2006-01-02T15:04:05.000Z"

// document is an XML answer under construction. It exists because keys may hold control characters, which
// S3 sends as character references that XML 1.0 forbids (traps.md 36) and encoding/xml would replace.
type document struct {
	root string
	buf  bytes.Buffer
}

func newDocument(root string) *document {
	x := &document{root: root}
	x.buf.WriteString(xml.Header)
	x.buf.WriteString("<" + root + ` xmlns="` + namespace + `">`)
	return x
}

// start opens an element and returns the function that closes it.
func (x *document) start(name string) (end func()) {
	x.buf.WriteString("<" + name + ">")
	return func() { x.buf.WriteString("</" + name + ">") }
}

// element writes an element that holds text.
func (x *document) element(name, text string) {
	end := x.start(name)
	x.text(text)
	end()
}

func (x *document) number(name string, n int64) { x.element(name, strconv.FormatInt(n, 10)) }

func (x *document) flag(name string, on bool) { x.element(name, strconv.FormatBool(on)) }

func (x *document) time(name string, t time.Time) {
	x.element(name, t.UTC().Truncate(time.Second).Format(timeFormat))
}

// optional writes an element only if there is text for it.
func (x *document) optional(name, text string) {
	if text != "" {
		x.element(name, text)
	}
}

// owner writes an account as owner, initiator or grantee.
func (x *document) owner(name, account string) {
	end := x.start(name)
	x.element("ID", canonicalID(account))
	end()
}

// text writes escaped text. Control characters become references.
func (x *document) text(s string) {
	for _, r := range s {
		switch {
		case r == '&':
			x.buf.WriteString("&amp;")
		case r == '<':
			x.buf.WriteString("&lt;")
		case r == '>':
			x.buf.WriteString("&gt;")
		case r == '"':
			x.buf.WriteString("&quot;")
		case r < ' ' || r == 0xFFFE || r == 0xFFFF:
			x.buf.WriteString("&#x" + strconv.FormatInt(int64(r), 16) + ";")
		default:
			x.buf.WriteRune(r)
		}
	}
}

// write closes the document and answers 200 with it.
func (x *document) write(w http.ResponseWriter) error { return x.writeStatus(w, http.StatusOK) }

func (x *document) writeStatus(w http.ResponseWriter, status int) error {
	x.buf.WriteString("</" + x.root + ">")
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(x.buf.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(x.buf.Bytes()) // the client has gone: nobody is left to tell
	return nil
}
