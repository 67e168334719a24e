package s3_test

import (
	"bytes"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/s3"
)

// content is bytes to send, and how many they are: S3 wants to know before.
type content struct {
	io.Reader

	size int64
}

func text(s string) content { return content{strings.NewReader(s), int64(len(s))} }

// send sends a request to S3 as any client of HTTP would.
func (b *bench) send(
	t *testing.T, method, link string, headers map[string]string, body content,
) (status int, header http.Header, answer string) {
	t.Helper()
	response := b.exchange(t, method, link, headers, body)
	defer response.Body.Close() //nolint:errcheck // only read
	read, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(read)
}

// exchange sends a request to S3; the answer's body is to be read and closed.
func (b *bench) exchange(t *testing.T, method, link string, headers map[string]string, body content) *http.Response {
	t.Helper()
	if body.size == 0 {
		body.Reader = http.NoBody
	}
	r, err := http.NewRequestWithContext(t.Context(), method, link, body.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = body.size
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	response, err := b.local.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// submit sends a form as a browser does, with some fields changed; an empty value leaves one out.
func (b *bench) submit(t *testing.T, u s3.Upload, file content, changes ...string) (status int, answer string) {
	t.Helper()
	fields := maps.Clone(u.Fields)
	maps.Copy(fields, pairs(changes))
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	for name, value := range fields {
		if value == "" {
			continue
		}
		if err := form.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := form.CreateFormFile("file", `C:\photos\cat.jpg`); err != nil {
		t.Fatal(err)
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	body := content{io.MultiReader(&head, file, strings.NewReader(tail)), int64(head.Len()) + file.size + int64(len(tail))}
	status, _, answer = b.send(t, http.MethodPost, u.URL, map[string]string{"Content-Type": form.FormDataContentType()}, body)
	return status, answer
}
