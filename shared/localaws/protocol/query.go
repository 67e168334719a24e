package protocol

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// ParseQuery reads the parameters of an awsQuery call: from the form in its body, or from the query of a
// GET, as presigned calls send them.
func ParseQuery(c *Call) (url.Values, error) {
	raw := string(c.Body)
	if c.Request.Method == http.MethodGet {
		raw = c.Request.URL.RawQuery
	}
	form, err := url.ParseQuery(raw)
	if err != nil {
		return nil, NewError(http.StatusBadRequest, "MalformedInput", "The parameters cannot be read.")
	}
	return form, nil
}

// Members returns the list parameter name.member.1, name.member.2 and so on up to the first gap.
func Members(form url.Values, name string) []string {
	var out []string
	for i := 1; ; i++ {
		key := name + ".member." + strconv.Itoa(i)
		if !form.Has(key) {
			return out
		}
		out = append(out, form.Get(key))
	}
}

// Tag is a key and a value as services of awsQuery take and return them.
type Tag struct {
	Key   string
	Value string
}

// Tags returns the list parameter name.member.N.Key and .Value up to the first gap.
func Tags(form url.Values, name string) []Tag {
	var out []Tag
	for i := 1; ; i++ {
		prefix := name + ".member." + strconv.Itoa(i)
		if !form.Has(prefix+".Key") && !form.Has(prefix+".Value") {
			return out
		}
		out = append(out, Tag{Key: form.Get(prefix + ".Key"), Value: form.Get(prefix + ".Value")})
	}
}

// UnknownAction is the answer of an awsQuery service to an operation that it does not have.
func UnknownAction(form url.Values) *Error {
	return NewError(http.StatusBadRequest, "InvalidAction",
		"Could not find operation %s for version %s", form.Get("Action"), form.Get("Version"))
}

// WriteQuery answers 200 with the result of an awsQuery operation in the service's XML namespace. A nil
// result means that the operation returns nothing.
func WriteQuery(w http.ResponseWriter, c *Call, namespace string, result any) error {
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	outer := xml.StartElement{
		Name: xml.Name{Local: c.Operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}},
	}
	if err := encodeQuery(enc, outer, c, result); err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	h := w.Header()
	h.Set("X-Amzn-Requestid", c.RequestID)
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b.Bytes()) // the client has gone: nobody is left to tell
	return nil
}

func encodeQuery(enc *xml.Encoder, outer xml.StartElement, c *Call, result any) error {
	if err := enc.EncodeToken(outer); err != nil {
		return err
	}
	if result != nil {
		inner := xml.StartElement{Name: xml.Name{Local: c.Operation + "Result"}}
		if err := enc.EncodeElement(result, inner); err != nil {
			return err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{c.RequestID}
	if err := enc.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return err
	}
	if err := enc.EncodeToken(outer.End()); err != nil {
		return err
	}
	return enc.Flush()
}
