package s3

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/problem"
)

// filenameVariable in a form's key is replaced by the name of the file that is sent with it ("POST Object").
const filenameVariable = "${filename}"

func (u *UploadBody) faults() []problem.Fault {
	var faults []problem.Fault
	add := func(pointer, message string) {
		faults = append(faults, problem.Fault{Pointer: pointer, Message: message})
	}
	faults = append(faults, keyFaults(u.Key, "/key")...)
	kind := u.kind()
	if kind == kindPost && strings.Contains(u.Key, filenameVariable) {
		add("/key", "expected a key without "+filenameVariable+", which S3 would put the file's name for; kind put takes it")
	}
	if kind != kindPost && u.MinSize != 0 {
		add("/min_size", "goes with kind post")
	}
	if kind != kindPost && u.MaxSize != 0 {
		add("/max_size", "goes with kind post")
	}
	if u.MinSize > u.maxSize() {
		add("/min_size", "expected no more than max_size")
	}
	switch {
	case kind == kindMultipart && u.Size == 0:
		add("/size", "a multipart upload needs it")
	case kind != kindMultipart && u.Size != 0:
		add("/size", "goes with kind multipart")
	}
	switch {
	case kind != kindMultipart && u.PartSize != 0:
		add("/part_size", "goes with kind multipart")
	case u.PartSize != 0 && u.Size > u.PartSize*maxParts:
		add("/part_size", "expected more: it makes more than 10,000 parts")
	}
	if kind != kindPut && u.Overwrite != nil {
		add("/overwrite", "goes with kind put")
	}
	if u.ContentType != "" && !isMediaType(u.ContentType) {
		add("/content_type", "expected a media type")
	}
	return append(faults, metadataFaults(u.Metadata)...)
}

func (u *UploadBody) maxSize() int64 {
	if u.MaxSize == 0 {
		return maxPut
	}
	return u.MaxSize
}

func isMediaType(text string) bool {
	_, _, err := mime.ParseMediaType(text)
	return err == nil && isPrintable(text)
}

// metadataFaults keeps to what headers and forms carry alike.
func metadataFaults(metadata map[string]string) []problem.Fault {
	var faults []problem.Fault
	size := 0
	for name, value := range metadata {
		size += len(name) + len(value)
		if !isToken(name) || !isPrintable(value) || strings.TrimSpace(value) != value {
			faults = append(faults, problem.Fault{Pointer: "/metadata", Message: "expected names that HTTP takes, and values in printable ASCII"})
			break
		}
	}
	if size > maxMetadata {
		faults = append(faults, problem.Fault{Pointer: "/metadata", Message: "expected at most 2 KB together"})
	}
	return faults
}

func isPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

// isToken reports whether a name can be part of a header's, in lower case: S3 keeps no other.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	})
}

// formFields are the fields of a form besides its key and what proves who signed it.
func (b *bucket) formFields(body *UploadBody) map[string]string {
	fields := map[string]string{
		"Content-Type":                body.ContentType,
		"success_action_status":       fmt.Sprint(http.StatusCreated),
		"x-amz-expected-bucket-owner": b.owner,
	}
	if body.ContentType == "" {
		fields["Content-Type"] = "application/octet-stream"
	}
	for name, value := range body.Metadata {
		fields["x-amz-meta-"+name] = value
	}
	return fields
}

// conditions bind a form to its fields, its key and the size of its file ("POST Policy", Amazon S3 API Reference).
func conditions(fields map[string]string, body *UploadBody) []any {
	out := []any{
		map[string]any{"key": literal(body.Key)},
		[]any{"content-length-range", body.MinSize, body.maxSize()},
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		out = append(out, map[string]any{name: literal(fields[name])})
	}
	return out
}

// literal is text in a policy, where a dollar sign would begin a field's name ("Character escaping").
func literal(text string) json.RawMessage {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Errorf("quote text: %w", err)) // a string can't fail
	}
	return json.RawMessage(strings.ReplaceAll(string(quoted), "$", `\u0024`))
}
