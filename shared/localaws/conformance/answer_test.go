package conformance

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// recorder is an HTTP client that keeps the last answer as it came over the wire.
type recorder struct {
	next aws.HTTPClient
	last answer
}

// answer is an HTTP answer with the whole of its body.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// Do sends the request and keeps the answer.
func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	response, err := r.next.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return nil, fmt.Errorf("close answer: %w", err)
	}
	r.last = answer{status: response.StatusCode, header: response.Header, body: body}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// want is what an answer must have, by name:
//
//	#          its HTTP status
//	Body       its body as it is
//	@Name      a header
//	~message   the message of DynamoDB's errors, which SDKs read in either case
//	A.B        the text of the elements B in A, or of the JSON members, below the root; several are joined by commas
//
// What is none must not be there.
type want map[string]string

// none is the value of what must be absent.
const none = "(none)"

// fault is the want of S3's errors. More are names and values in turn.
func fault(status int, code, message string, more ...string) want {
	w := want{"#": strconv.Itoa(status), "Code": code, "Message": message}
	for i := 0; i+1 < len(more); i += 2 {
		w[more[i]] = more[i+1]
	}
	return w
}

// ok is the want of an answer with this status. More are names and values in turn.
func ok(status int, more ...string) want {
	w := want{"#": strconv.Itoa(status)}
	for i := 0; i+1 < len(more); i += 2 {
		w[more[i]] = more[i+1]
	}
	return w
}

// got picks from the answer what is wanted of it.
func (a answer) got(w want) want {
	members := a.members()
	members["~message"] = slices.Concat(members["message"], members["Message"])
	picked := make(want, len(w))
	for name := range w {
		switch {
		case name == "#":
			picked[name] = strconv.Itoa(a.status)
		case name == "Body":
			picked[name] = string(a.body)
		case strings.HasPrefix(name, "@"):
			picked[name] = a.headerValue(name[1:])
		default:
			picked[name] = none
			if values, there := members[name]; there {
				picked[name] = strings.Join(values, ",")
			}
		}
	}
	return picked
}

// headerValue is a header, whatever the case in which it came.
func (a answer) headerValue(name string) string {
	for sent, values := range a.header {
		if strings.EqualFold(sent, name) {
			return strings.Join(values, ",")
		}
	}
	return none
}

// members are the texts of the body's leaves by their path below the root.
func (a answer) members() map[string][]string {
	found := make(map[string][]string)
	body := bytes.TrimSpace(a.body)
	switch {
	case bytes.HasPrefix(body, []byte("<")):
		gatherXML(body, found)
	case bytes.HasPrefix(body, []byte("{")):
		var root any
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		if decoder.Decode(&root) == nil {
			gatherJSON("", root, found)
		}
	}
	return found
}

func gatherXML(body []byte, found map[string][]string) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var path []string
	var text strings.Builder
	leaf := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			path, leaf = append(path, token.Name.Local), true
			text.Reset()
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if leaf && len(path) > 1 {
				name := strings.Join(path[1:], ".")
				found[name] = append(found[name], text.String())
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}

func gatherJSON(path string, value any, found map[string][]string) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			gatherJSON(strings.TrimPrefix(path+"."+name, "."), value[name], found)
		}
	case []any:
		for _, element := range value {
			gatherJSON(path, element, found)
		}
	default:
		found[path] = append(found[path], fmt.Sprint(value))
	}
}

// stage is where a situation happens: its test, and what came back last.
type stage struct {
	t        *testing.T
	recorder *recorder
	backend  *backend
}

// must stops the test if the stage can't be set.
func (s stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("set the stage: %v", err)
	}
}

// situation is something that AWS was once asked, and what of its answer must be the same. S is the stage on which it
// happens.
type situation[S any] struct {
	name string
	do   func(s S) want // asks; the answer to the last call is the one that counts
	but  string         // the row of differences.md that says why the oracle answers otherwise
}

// hold compares an answer with what is wanted. An oracle that has a row in the table of differences must differ.
func hold(t *testing.T, b *backend, a answer, w want, row string) {
	t.Helper()
	if b.name == minIO {
		w = withoutWords(w, a.status >= http.StatusBadRequest)
	}
	diff := cmp.Diff(w, a.got(w))
	if b.name != localAWS && row != "" {
		if !excused(b.name, row) || diff == "" {
			t.Errorf("%s differs no more, or row %s of differences.md is missing (-want +got):\n%s", b.name, row, diff)
		}
		return
	}
	if diff != "" {
		t.Errorf("(-want +got):\n%s%s", diff, a.body)
	}
}

// withoutWords leaves out of what is wanted the words of errors, and of an error all but its status and code: MinIO
// promises no more.
func withoutWords(w want, isError bool) want {
	left := make(want)
	for name, value := range w {
		if !strings.HasSuffix(name, "Message") && (!isError || name == "#" || name == "Code") {
			left[name] = value
		}
	}
	return left
}
