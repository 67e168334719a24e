package s3

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// maxPolicy is the size of a bucket policy at most ("Policies and permissions in Amazon S3").
const maxPolicy = 20 << 10

func (s *Service) putPolicy(w http.ResponseWriter, r *request) error {
	text, err := r.document()
	if err != nil {
		return err
	}
	document, err := parsePolicy(text, bucketARN(r.region, r.bucket))
	if err != nil {
		return err
	}
	return s.change(w, r, http.StatusNoContent, func(b *bucket) { b.document, b.policyText = document, text })
}

// parsePolicy reads a bucket policy. Every statement must name principals, S3's actions and this bucket.
func parsePolicy(text []byte, arn string) (*policy.Document, error) {
	if len(text) == 0 {
		return nil, protocol.NewError(http.StatusBadRequest, "MissingRequestBodyError", "Request Body is empty")
	}
	if len(text) > maxPolicy {
		return nil, malformedPolicy("Policies must be smaller than %d bytes", maxPolicy)
	}
	document, err := policy.Parse(text)
	if err != nil {
		return nil, malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	}
	for _, statement := range document.Statements() {
		if statement.Principal == nil && statement.NotPrincipal == nil {
			return nil, malformedPolicy("Missing required field Principal")
		}
		for _, action := range slices.Concat(statement.Actions, statement.NotActions) {
			if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
				return nil, malformedPolicy("Policy has invalid action")
			}
		}
		for _, resource := range slices.Concat(statement.Resources, statement.NotResources) {
			if resource != arn && !strings.HasPrefix(resource, arn+"/") && resource != arn+"*" {
				return nil, malformedPolicy("Policy has invalid resource")
			}
		}
	}
	return document, nil
}

func malformedPolicy(format string, args ...any) error {
	return protocol.NewError(http.StatusBadRequest, "MalformedPolicy", format, args...)
}

func (s *Service) getPolicy(w http.ResponseWriter, r *request) error {
	var text []byte
	if err := s.view(r, func(b *bucket) { text = b.policyText }); err != nil {
		return err
	}
	if text == nil {
		return protocol.NewError(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist").
			With("BucketName", r.bucket)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text) // the client has gone: nobody is left to tell
	return nil
}

func (s *Service) deletePolicy(w http.ResponseWriter, r *request) error {
	return s.change(w, r, http.StatusNoContent, func(b *bucket) { b.document, b.policyText = nil, nil })
}
