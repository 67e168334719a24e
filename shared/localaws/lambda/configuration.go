package lambda

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// configuration is a FunctionConfiguration.
type configuration struct {
	FunctionName     string
	FunctionArn      string
	Runtime          string
	Role             string
	Handler          string
	CodeSize         int
	Description      string
	Timeout          int
	MemorySize       int
	LastModified     string
	CodeSha256       string
	Version          string
	TracingConfig    tracing
	RevisionId       string //nolint:revive // AWS's spelling
	State            string `json:",omitempty"`
	LastUpdateStatus string `json:",omitempty"`
	PackageType      string
	Architectures    []string
	EphemeralStorage storage
	LoggingConfig    logging
}

type (
	tracing struct{ Mode string }
	storage struct{ Size int }
	logging struct{ LogFormat, LogGroup string }
)

// configuration describes a version under the ARN by which it was named.
func (v version) configuration(arn string, here place) configuration {
	sum := sha256.Sum256([]byte(v.Name + v.number))
	return configuration{
		FunctionName:     v.Name,
		FunctionArn:      arn,
		Runtime:          v.Runtime,
		Role:             "arn:" + partition(here.region) + ":iam::" + here.account + ":role/" + v.Name,
		Handler:          v.Handler,
		CodeSize:         len(v.Name),
		Description:      v.Description,
		Timeout:          int(math.Ceil(v.Timeout.Seconds())),
		MemorySize:       v.MemoryMB,
		LastModified:     v.modified.UTC().Format("2006-01-02T15:04:05.000-0700"),
		CodeSha256:       base64.StdEncoding.EncodeToString(sum[:]),
		Version:          v.number,
		TracingConfig:    tracing{Mode: "PassThrough"},
		RevisionId:       v.revision,
		PackageType:      "Zip",
		Architectures:    []string{"x86_64"},
		EphemeralStorage: storage{Size: 512},
		LoggingConfig:    logging{LogFormat: "Text", LogGroup: "/aws/lambda/" + v.Name},
	}
}

// newRevision is a fresh UUID.
func newRevision() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// maxItems is how many functions a page holds at most, whatever is asked for ("ListFunctions").
const maxItems = 50

func (s *Service) listFunctions(w http.ResponseWriter, c *protocol.Call, r *request) error {
	limit, err := r.limit()
	if err != nil {
		return err
	}
	published := r.query.Has("FunctionVersion")
	if which := r.query.Get("FunctionVersion"); published && which != "ALL" {
		return validation(violation(which, "functionVersion", "Member must satisfy enum value set: [ALL]"))
	}
	after, err := r.marker()
	if err != nil {
		return err
	}
	here := place{account: c.Account(), region: c.Region}
	page := struct {
		NextMarker *string
		Functions  []configuration
	}{Functions: []configuration{}}
	for _, v := range s.all(here, published) {
		if v.place() <= after {
			continue
		}
		if len(page.Functions) == limit {
			next := base64.StdEncoding.EncodeToString([]byte(after))
			page.NextMarker = &next
			break
		}
		after = v.place()
		t := target{account: here.account, region: here.region, name: v.Name}
		if published {
			t.qualifier = v.number
		}
		page.Functions = append(page.Functions, v.configuration(t.arn(), here))
	}
	return writeJSON(w, http.StatusOK, page)
}

// place is where a version stands in a listing. Names don't hold spaces.
func (v version) place() string { return fmt.Sprintf("%s %09d", v.Name, v.order()) }

func (r *request) limit() (int, error) {
	text := r.query.Get("MaxItems")
	if text == "" {
		return maxItems, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, validation(violation(text, "maxItems", "Member must be an integer"))
	case n < 1:
		return 0, validation(violation(text, "maxItems", "Member must have value greater than or equal to 1"))
	case n > 10000:
		return 0, validation(violation(text, "maxItems", "Member must have value less than or equal to 10000"))
	}
	return min(n, maxItems), nil
}

func (r *request) marker() (string, error) {
	text := r.query.Get("Marker")
	after, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", invalidParameter("The specified Marker is invalid.")
	}
	return string(after), nil
}

func (s *Service) getFunction(w http.ResponseWriter, _ *protocol.Call, r *request) error {
	found, err := s.describe(r.target)
	if err != nil {
		return err
	}
	type code struct{ RepositoryType, Location string }
	return writeJSON(w, http.StatusOK, struct {
		Configuration configuration
		Code          code
	}{found, code{RepositoryType: "S3", Location: "https://localhost/" + r.target.name}})
}

func (s *Service) getConfiguration(w http.ResponseWriter, _ *protocol.Call, r *request) error {
	found, err := s.describe(r.target)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, found)
}

func (s *Service) describe(t target) (configuration, error) {
	v, found := s.find(t)
	if !found {
		return configuration{}, notFound("Function not found: %s", t.arn())
	}
	out := v.configuration(t.arn(), place{t.account, t.region})
	out.State, out.LastUpdateStatus = "Active", "Successful"
	return out, nil
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client has gone: nobody is left to tell
	return nil
}

// since is how long ago something began, in the milliseconds of Lambda's logs.
func since(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }
