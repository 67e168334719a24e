package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/btree"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// bucket is one bucket. The Service's lock guards it.
type bucket struct {
	name       string
	account    string
	region     string
	created    time.Time
	versioning versioning

	document   *policy.Document // of policyText; nil without a bucket policy
	policyText []byte
	cors       []corsRule
	encryption encryption // of what is written without a word about it

	objects btree.Map[string, history]
	uploads map[string]*upload // by id
	ended   map[string]ended   // uploads that have become objects, by id
}

// bucketName allows what DNS does and nothing else ("General purpose bucket naming rules").
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*[a-z0-9](\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || net.ParseIP(name) != nil {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	return bucketName.MatchString(name) || (len(name) > 2 && bucketLabels(name))
}

// bucketLabels allows one-letter labels between dots.
func bucketLabels(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// regions that a bucket can lie in ("Amazon Simple Storage Service endpoints and quotas").
var regions = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
	"ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
	"ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
	"eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3", "il-central-1",
	"me-central-1", "me-south-1", "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1",
	"us-gov-west-1", "us-west-1", "us-west-2",
}

func (s *Service) createBucket(w http.ResponseWriter, r *request) error {
	if !validBucketName(r.bucket) {
		return protocol.NewError(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.").
			With("BucketName", r.bucket)
	}
	if err := refuseHeaders(r.header, bucketHeaders); err != nil {
		return err
	}
	region, err := locationConstraint(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buckets[r.bucket]; b != nil {
		return bucketTaken(b, r, region, w)
	}
	s.buckets[r.bucket] = &bucket{
		name: r.bucket, account: r.call.Account(), region: region, created: r.call.Now, uploads: make(map[string]*upload),
		ended: make(map[string]ended),
	}
	w.Header().Set("Location", "/"+r.bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

// bucketTaken answers for a name that is in use. Making one's own bucket again succeeds in us-east-1 alone.
func bucketTaken(b *bucket, r *request, region string, w http.ResponseWriter) error {
	switch {
	case b.account != r.call.Account():
		return protocol.NewError(http.StatusConflict, "BucketAlreadyExists",
			"The requested bucket name is not available. The bucket namespace is shared by all users of the system. "+
				"Please select a different name and try again.").With("BucketName", b.name)
	case region != defaultRegion || b.region != defaultRegion:
		return protocol.NewError(http.StatusConflict, "BucketAlreadyOwnedByYou",
			"Your previous request to create the named bucket succeeded and you already own it.").
			With("BucketName", b.name)
	}
	w.Header().Set("Location", "/"+b.name)
	w.WriteHeader(http.StatusOK)
	return nil
}

// defaultRegion is the region whose name no LocationConstraint spells.
const defaultRegion = "us-east-1"

// locationConstraint is the region that CreateBucket asks for: any through us-east-1, elsewhere only the
// region of the endpoint itself.
func locationConstraint(r *request) (string, error) {
	var body struct {
		XMLName    xml.Name `xml:"CreateBucketConfiguration"`
		Constraint string   `xml:"LocationConstraint"`
	}
	text, err := r.document()
	if err != nil {
		return "", err
	}
	if len(text) > 0 {
		if err := xml.Unmarshal(text, &body); err != nil {
			return "", malformedXML()
		}
	}
	switch {
	case body.Constraint == "" && r.call.Region == defaultRegion:
		return defaultRegion, nil
	case body.Constraint == "":
		return "", illegalLocation("unspecified")
	case !slices.Contains(regions, body.Constraint) || body.Constraint == defaultRegion:
		return "", protocol.NewError(http.StatusBadRequest, "InvalidLocationConstraint",
			"The specified location-constraint is not valid").With("LocationConstraint", body.Constraint)
	case body.Constraint != r.call.Region && r.call.Region != defaultRegion:
		return "", illegalLocation(body.Constraint)
	}
	return body.Constraint, nil
}

func illegalLocation(constraint string) error {
	return protocol.NewError(http.StatusBadRequest, "IllegalLocationConstraintException",
		"The %s location constraint is incompatible for the region specific endpoint this request was sent to.", constraint)
}

func (s *Service) deleteBucket(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[r.bucket]
	if b == nil {
		return noSuchBucket(r.bucket)
	}
	if b.objects.Len() > 0 {
		message := "The bucket you tried to delete is not empty"
		if b.versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return protocol.NewError(http.StatusConflict, "BucketNotEmpty", "%s", message).With("BucketName", b.name)
	}
	delete(s.buckets, r.bucket)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Service) headBucket(w http.ResponseWriter, r *request) error {
	w.Header().Set("X-Amz-Access-Point-Alias", "false")
	w.Header().Set("X-Amz-Bucket-Arn", bucketARN(r.region, r.bucket))
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Service) getLocation(w http.ResponseWriter, r *request) error {
	x := newDocument("LocationConstraint")
	if r.region != defaultRegion {
		x.text(r.region)
	}
	return x.write(w)
}

// canonicalID is the canonical user id that stands for an account in owners and grants.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user of " + account))
	return hex.EncodeToString(sum[:])
}
