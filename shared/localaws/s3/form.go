package s3

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxForm is how many bytes of names and values may come before the file ("HTML form fields").
const maxForm = 20 << 10

// form is what a browser's upload sends: fields, and after them the file.
type form struct {
	fields map[string]string // by name in lower case
	names  []string          // of the fields, in lower case and in the order in which they came
	file   *multipart.Part
	policy *postPolicy // nil: the form is not signed
}

// readForm reads a form up to its file, which is still to be read.
func readForm(r *http.Request) (*form, error) {
	kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, protocol.NewError(http.StatusPreconditionFailed, "PreconditionFailed",
			"At least one of the pre-conditions you specified did not hold").
			With("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
	}
	if parameters["boundary"] == "" || r.Body == nil {
		return nil, malformedPost()
	}
	f, size := &form{fields: make(map[string]string)}, 0
	parts := multipart.NewReader(r.Body, parameters["boundary"])
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, invalidArgument("file", "0", "POST requires exactly one file upload per request.")
		case err != nil:
			return nil, malformedPost()
		}
		name := strings.ToLower(part.FormName())
		if name == "file" {
			f.file = part
			return f, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxForm+1))
		if err != nil {
			return nil, malformedPost()
		}
		if size += len(name) + len(value); size > maxForm {
			return nil, protocol.NewError(http.StatusBadRequest, "MaxPostPreDataLengthExceeded",
				"Your POST request fields preceding the upload file were too large.").With("MaxPostPreDataLengthBytes", maxForm)
		}
		f.add(name, string(value))
	}
}

func malformedPost() error {
	return protocol.NewError(http.StatusBadRequest, "MalformedPOSTRequest",
		"The body of your POST request is not well-formed multipart/form-data.")
}

func (f *form) add(name, value string) {
	if _, again := f.fields[name]; !again {
		f.names = append(f.names, name)
	}
	f.fields[name] = value
}

func (f *form) get(name string) string { return f.fields[name] }

// filename is the name of the file without the folders that some browsers send.
func (f *form) filename() string {
	name := f.file.FileName()
	return path.Base(name[strings.LastIndexByte(name, '\\')+1:])
}

// key is the object's key; ${filename} in it stands for the file's name.
func (f *form) key() (string, error) {
	key, sent := f.fields["key"]
	if !sent {
		return "", missingField("key")
	}
	key = strings.ReplaceAll(key, "${filename}", f.filename())
	if key == "" {
		return "", invalidArgument("key", "", "User key must have a length greater than 0.")
	}
	return key, nil
}

// missingField refuses a form without a field.
func missingField(name string) error {
	return protocol.NewError(http.StatusBadRequest, "InvalidArgument",
		"Bucket POST must contain a field named '%s'.  If it is specified, please check the order of the fields.", name).
		With("ArgumentName", name).With("ArgumentValue", "")
}

// headers are the fields that say of the object what headers say of one that is put.
func (f *form) headers() http.Header {
	h := make(http.Header)
	for name, value := range f.fields {
		switch name {
		case "acl":
			h.Set("X-Amz-Acl", value)
		case "tagging":
			h.Set("X-Amz-Tagging", value)
		case "cache-control", "content-type", "content-disposition", "content-encoding", "content-language", "expires":
			h.Set(name, value)
		default:
			if strings.HasPrefix(name, "x-amz-") {
				h.Set(name, value)
			}
		}
	}
	return h
}

// Fields that prove who sends the form, in the order in which S3 misses them.
var (
	signatureFields = []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"}
	outdatedFields  = []string{"AWSAccessKeyId", "Signature"}
)

// signed says whether the form proves who sends it. One that has a policy must.
func (f *form) signed() (bool, error) {
	missing, found := "", false
	for _, name := range signatureFields {
		if f.get(strings.ToLower(name)) != "" {
			found = true
		} else if missing == "" {
			missing = name
		}
	}
	for _, name := range outdatedFields {
		if !found && f.get(strings.ToLower(name)) != "" {
			return false, invalidRequest("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
		}
	}
	switch policy := f.get("policy"); {
	case found && policy == "":
		return false, missingField("policy")
	case found && missing != "":
		return false, missingField(missing)
	case !found && policy != "":
		return false, accessDenied()
	}
	return found, nil
}
