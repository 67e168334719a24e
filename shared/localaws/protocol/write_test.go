package protocol_test

import (
	"encoding/json"
	"encoding/xml"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

func written(f protocol.Format, e *protocol.Error) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	protocol.WriteError(w, f, "request-1", e)
	return w
}

func TestWriteErrorAsJSON(t *testing.T) {
	e := protocol.NewError(0, "ConditionalCheckFailedException", "The %s failed", "request").
		With("Item", map[string]any{"a": map[string]string{"S": "b"}}).WithHeader("X-Note", "n")
	e.Namespace = "com.amazonaws.dynamodb.v20120810"
	w := written(protocol.JSON10, e)
	var got map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"__type":  "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
		"message": "The request failed",
		"Item":    map[string]any{"a": map[string]any{"S": "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	sum := strconv.FormatUint(uint64(crc32.ChecksumIEEE(w.Body.Bytes())), 10)
	for name, want := range map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Crc32": sum, "X-Amzn-Requestid": "request-1", "X-Note": "n",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if w.Code != http.StatusBadRequest {
		t.Errorf("status = %d, want 400", w.Code)
	}
}

func TestWriteErrorAsQuery(t *testing.T) {
	for status, want := range map[int]string{403: "Sender", 503: "Receiver"} {
		e := protocol.NewError(status, "Some<Code>", "a & b")
		e.Namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
		var got struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Type      string   `xml:"Error>Type"`
			Code      string   `xml:"Error>Code"`
			Message   string   `xml:"Error>Message"`
			RequestID string   `xml:"RequestId"`
		}
		if err := xml.Unmarshal(written(protocol.Query, e).Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"ErrorResponse", e.Namespace, want, "Some<Code>", "a & b", "request-1"},
			[]string{got.XMLName.Local, got.XMLName.Space, got.Type, got.Code, got.Message, got.RequestID}); diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
	}
}

func TestWriteErrorAsS3(t *testing.T) {
	w := written(protocol.RESTXML, protocol.NewError(404, "NoSuchKey", "gone").With("Key", "a<b>\x01"))
	want := xml.Header + "<Error><Code>NoSuchKey</Code><Message>gone</Message><Key>a&lt;b&gt;\uFFFD</Key>" +
		"<RequestId>request-1</RequestId><HostId>request-1</HostId></Error>"
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	if w := written(protocol.RESTXML, protocol.NewError(304, "NotModified", "")); w.Body.Len() != 0 {
		t.Errorf("304 has a body: %s", w.Body)
	}
}

func TestWriteErrorAsRESTJSON(t *testing.T) {
	e := protocol.NewError(404, "ResourceNotFoundException", "gone").With("Type", "User")
	w := written(protocol.RESTJSON, e)
	if got, want := w.Header().Get("X-Amzn-Errortype"), "ResourceNotFoundException"; got != want {
		t.Errorf("X-Amzn-Errortype = %q, want %q", got, want)
	}
	if diff := cmp.Diff(`{"Message":"gone","Type":"User"}`, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	w = written(protocol.RESTJSON, e.With("message", "gone"))
	if diff := cmp.Diff(`{"Type":"User","message":"gone"}`, w.Body.String()); diff != "" {
		t.Error(diff)
	}
}

// With leaves the error it is called on as it was: errors are shared.
func TestWithCopies(t *testing.T) {
	e := protocol.NewError(400, "C", "m").With("a", 1).WithHeader("A", "1")
	_ = e.With("b", 2).WithHeader("A", "2")
	if diff := cmp.Diff(&protocol.Error{
		Status: 400, Code: "C", Message: "m", Fields: map[string]any{"a": 1}, Header: http.Header{"A": {"1"}},
	}, e); diff != "" {
		t.Error(diff)
	}
}
