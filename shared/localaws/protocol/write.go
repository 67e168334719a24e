package protocol

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// Format is a wire protocol of AWS (Smithy 2.0, "AWS protocols").
type Format int

// The protocols that the services of the local AWS speak.
const (
	JSON10   Format = iota // awsJson1_0: DynamoDB, SQS
	JSON11                 // awsJson1_1: KMS, EventBridge
	Query                  // awsQuery: STS, IAM
	RESTXML                // restXml: S3
	RESTJSON               // restJson1: Lambda
)

// WriteError writes e as the format's error answer.
func WriteError(w http.ResponseWriter, f Format, requestID string, e *Error) {
	for name, values := range e.Header {
		w.Header()[name] = slices.Clone(values)
	}
	switch f {
	case JSON10, JSON11:
		writeJSON(w, f, requestID, e.StatusCode(), jsonError(e))
	case Query:
		WriteXML(w, requestID, e.StatusCode(), queryError(e, requestID))
	case RESTXML:
		writeS3Error(w, requestID, e)
	case RESTJSON:
		writeRESTJSONError(w, requestID, e)
	}
}

// WriteJSON answers 200 with v in awsJson1_0 or awsJson1_1.
func WriteJSON(w http.ResponseWriter, f Format, requestID string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	WriteRawJSON(w, f, requestID, http.StatusOK, body)
	return nil
}

// WriteRawJSON answers with a body that is JSON already. awsJson1_0 answers carry DynamoDB's CRC32 of
// the body, which its clients check.
func WriteRawJSON(w http.ResponseWriter, f Format, requestID string, status int, body []byte) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if f == JSON10 {
		h.Set("Content-Type", "application/x-amz-json-1.0")
		h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	} else {
		h.Set("Content-Type", "application/x-amz-json-1.1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

// WriteXML answers with v as an XML document.
func WriteXML(w http.ResponseWriter, requestID string, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		// Only types of ours come here, so this is a fault of the local AWS itself.
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

func jsonError(e *Error) map[string]any {
	body := maps.Clone(e.Fields)
	if body == nil {
		body = make(map[string]any, 2)
	}
	body["__type"] = e.Code
	if e.Namespace != "" {
		body["__type"] = e.Namespace + "#" + e.Code
	}
	body["message"] = e.Message
	return body
}

func writeJSON(w http.ResponseWriter, f Format, requestID string, status int, v map[string]any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	WriteRawJSON(w, f, requestID, status, body)
}

type queryErrorDocument struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Namespace string   `xml:"xmlns,attr,omitempty"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

func queryError(e *Error, requestID string) queryErrorDocument {
	return queryErrorDocument{
		Namespace: e.Namespace,
		Type:      faultOf(e.StatusCode()),
		Code:      e.Code,
		Message:   e.Message,
		RequestID: requestID,
	}
}

// faultOf says whose fault a status is, in awsQuery's words.
func faultOf(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// writeS3Error writes S3's error document ("Error responses", Amazon S3 API Reference).
func writeS3Error(w http.ResponseWriter, requestID string, e *Error) {
	var b bytes.Buffer
	b.WriteString(xml.Header + "<Error>")
	element(&b, "Code", e.Code)
	element(&b, "Message", e.Message)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		element(&b, name, fmt.Sprint(e.Fields[name]))
	}
	element(&b, "RequestId", requestID)
	element(&b, "HostId", requestID)
	b.WriteString("</Error>")
	h := w.Header()
	h.Set("X-Amz-Request-Id", requestID)
	h.Set("X-Amz-Id-2", requestID)
	h.Set("Content-Type", "application/xml")
	w.WriteHeader(e.StatusCode())
	if e.StatusCode() != http.StatusNotModified {
		_, _ = w.Write(b.Bytes()) // the client has gone: nobody is left to tell
	}
}

func element(b *bytes.Buffer, name, value string) {
	b.WriteString("<" + name + ">")
	_ = xml.EscapeText(b, []byte(value)) // a bytes.Buffer never fails
	b.WriteString("</" + name + ">")
}

// writeRESTJSONError writes an error as Lambda does: the code in a header, the body holding Type and
// Message. A field named message replaces Message, since some of Lambda's errors spell it so.
func writeRESTJSONError(w http.ResponseWriter, requestID string, e *Error) {
	body := maps.Clone(e.Fields)
	if body == nil {
		body = make(map[string]any, 1)
	}
	if _, lower := body["message"]; !lower {
		body["Message"] = e.Message
	}
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "encode answer", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", requestID)
	h.Set("X-Amzn-Errortype", e.Code)
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(e.StatusCode())
	_, _ = w.Write(text) // the client has gone: nobody is left to tell
}
