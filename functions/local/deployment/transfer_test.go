package deployment_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// transfers are requests of every route that moves or signs, on the demo's files.
var transfers = map[string]string{
	"/v1/s3/files/delete":                                 `{"bucket":"demo-files","keys":["notes/none"]}`,
	"/v1/s3/files/copy":                                   `{"from":{"bucket":"demo-files","key":"readme.txt"},"to":{"bucket":"demo-files","key":"copy.txt"}}`,
	"/v1/s3/files/move":                                   `{"from":{"bucket":"demo-files","prefix":"none/"},"to":{"bucket":"demo-files","prefix":"other/"}}`,
	"/v1/s3/files/downloads":                              `{"objects":[{"bucket":"demo-files","key":"readme.txt"}]}`,
	"/v1/s3/files/buckets/demo-files/uploads":             `{"key":"photos/cat.jpg"}`,
	"/v1/s3/files/buckets/demo-files/uploads/parts":       `{"key":"photos/cat.jpg","upload_id":"u","numbers":[1]}`,
	"/v1/s3/files/buckets/demo-files/object/metadata?key": "",
	"/v1/s3/files/buckets/demo-files/object/acl?key":      "",
}

// transferOf sends one of transfers.
func transferOf(s *deploymenttest.Stack, path, body, token string) deploymenttest.Answer {
	if body == "" {
		return s.Call(http.MethodGet, path+"=readme.txt", token, "")
	}
	return s.Call(http.MethodPost, path, token, body)
}

// trap 23: of what another site's token asks for nothing is told, not even that it is there; and nothing is done.
func TestTrap23TransfersOfAnotherSite(t *testing.T) {
	s := deploymenttest.Start(t)
	stranger := s.TokenOf("0c1d2e3f-8b86-4d01-b42d-00cf4fc964aa", "ada@example.com", "arngate/connect")
	for path, body := range transfers {
		want(t, transferOf(s, path, body, stranger), http.StatusNotFound, "connection_not_found")
		want(t, transferOf(s, path, body, s.Builder()), http.StatusOK, "")
	}
}

// What the gateway signs is taken by AWS as it is: a browser's form, and a download, with no credentials of the client's.
func TestFormAndDownload(t *testing.T) {
	s := deploymenttest.Start(t)
	var form struct {
		URL    string            `json:"url"`
		Fields map[string]string `json:"fields"`
	}
	decode(t, s.Call(http.MethodPost, "/v1/s3/files/buckets/demo-files/uploads", s.Builder(),
		`{"key":"photos/cat.jpg","content_type":"image/jpeg","max_size":100}`), &form)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range form.Fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	file, err := w.CreateFormFile("file", "cat.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(file, "a cat"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	status, answer := onAWS(t, s, http.MethodPost, form.URL, w.FormDataContentType(), &body)
	if status != http.StatusCreated {
		t.Fatalf("S3 answered %d %s", status, answer)
	}
	var downloads struct {
		Items []struct {
			URL string `json:"url"`
		} `json:"items"`
	}
	decode(t, s.Call(http.MethodPost, "/v1/s3/files/downloads", s.Builder(),
		`{"objects":[{"bucket":"demo-files","key":"photos/cat.jpg"}]}`), &downloads)
	if status, answer = onAWS(t, s, http.MethodGet, downloads.Items[0].URL, "", http.NoBody); status != http.StatusOK || answer != "a cat" {
		t.Errorf("S3 answered %d %s", status, answer)
	}
}

func decode(t *testing.T, a deploymenttest.Answer, out any) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	if err := json.NewDecoder(strings.NewReader(a.Body)).Decode(out); err != nil {
		t.Fatal(err)
	}
}

// onAWS sends a request to AWS itself, as it is.
func onAWS(t *testing.T, s *deploymenttest.Stack, method, link, contentType string, body io.Reader) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, link, body)
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := s.AWS.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
