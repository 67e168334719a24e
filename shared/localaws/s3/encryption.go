package s3

import (
	"crypto/rand"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Keys is what S3 asks of KMS.
type Keys interface {
	// Access is the permission that S3 needs of a caller for using a key on its behalf; see package kms.
	Access(action, keyID, account, region, via string, encryptionContext map[string]string) (protocol.Access, error)
}

// How an object can be encrypted: every one is, by S3's own keys if by no others ("Protecting data with server-side
// encryption").
const (
	sseS3  = "AES256"
	sseKMS = "aws:kms"
)

// encryption is under which key an object lies. The zero value is S3's own key.
type encryption struct {
	key       string // of KMS: in a bucket's configuration as it was named, of an object its ARN
	bucketKey bool   // one data key for many objects
}

func (e encryption) managed() bool { return e.key == "" }

// set writes the headers that tell the encryption of an object.
func (e encryption) set(h http.Header) {
	if e.managed() {
		h.Set("X-Amz-Server-Side-Encryption", sseS3)
		return
	}
	h.Set("X-Amz-Server-Side-Encryption", sseKMS)
	h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", e.key)
	if e.bucketKey {
		h.Set("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "true")
	}
}

// encryptionOf is what a request says about encryption, and whether it says anything.
func encryptionOf(h http.Header) (e encryption, said bool, err error) {
	method, key := h.Get("X-Amz-Server-Side-Encryption"), h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id")
	switch {
	case method != sseKMS && key != "":
		return encryption{}, false, invalidArgument("x-amz-server-side-encryption", method,
			"Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case method == "":
		return encryption{}, false, nil
	case method == sseS3:
		return encryption{}, true, nil
	case method != sseKMS && method != "aws:kms:dsse":
		return encryption{}, false, invalidArgument("x-amz-server-side-encryption", method,
			"The encryption method specified is not supported")
	case method != sseKMS, key == "": // AWS's own key aws/s3 is not here
		return encryption{}, false, headerNotImplemented("x-amz-server-side-encryption", "")
	}
	bucketKey, err := strconv.ParseBool(h.Get("X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"))
	return encryption{key: key, bucketKey: err == nil && bucketKey}, true, nil
}

// sum is what stands for the MD5 of content in ETags: under a key of KMS it is something else (traps.md 41).
func (e encryption) sum(md5 []byte) []byte {
	if e.managed() {
		return md5
	}
	other := make([]byte, len(md5))
	_, _ = rand.Read(other) // never fails
	return other
}

// encrypt decides how what a request writes will be encrypted, as it says itself or else as the bucket has it. It is
// denied to a caller who may not have S3 use the key for that (kms:GenerateDataKey, traps.md 38).
func (s *Service) encrypt(r *request) error {
	wanted, said, err := encryptionOf(r.header)
	if err != nil {
		return err
	}
	if said {
		r.encryption = wanted
	}
	arn, err := s.useKey(r, "kms:GenerateDataKey", r.encryption, place{r.bucket, r.region, r.key})
	if err == nil {
		r.encryption.key = arn
	}
	return err
}

// decrypt is denied to a caller who may not have S3 use the key of content (kms:Decrypt).
func (s *Service) decrypt(r *request, e encryption, at place) error {
	_, err := s.useKey(r, "kms:Decrypt", e, at)
	return err
}

// place is where content lies.
type place struct{ bucket, region, key string }

// useKey asks for an action on the key of content, under the context that S3 gives: the object, or with a bucket key
// the bucket. It returns the key's ARN.
func (s *Service) useKey(r *request, action string, e encryption, at place) (string, error) {
	if e.managed() {
		return "", nil
	}
	if r.call.Principal == nil {
		return "", invalidArgument("Authorization", "null",
			"Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.")
	}
	about := bucketARN(at.region, at.bucket)
	if !e.bucketKey {
		about += "/" + at.key
	}
	access, err := s.keys.Access(action, e.key, r.call.Account(), at.region, "s3", map[string]string{"aws:s3:arn": about})
	if refused, ok := errors.AsType[*protocol.Error](err); ok {
		return "", protocol.NewError(http.StatusBadRequest, "KMS."+refused.Code, "%s", refused.Message)
	}
	if err != nil {
		return "", err
	}
	return access.Resource, r.authorize(access, true)
}

// sseRule is a bucket's default encryption as PutBucketEncryption has it.
type sseRule struct {
	Default struct {
		Algorithm string `xml:"SSEAlgorithm"`
		Key       string `xml:"KMSMasterKeyID"`
	} `xml:"ApplyServerSideEncryptionByDefault"`
	BucketKey bool `xml:"BucketKeyEnabled"`
}

func (s *Service) putEncryption(w http.ResponseWriter, r *request) error {
	var body struct {
		XMLName xml.Name  `xml:"ServerSideEncryptionConfiguration"`
		Rules   []sseRule `xml:"Rule"`
	}
	if err := r.digestedXML(&body); err != nil {
		return err
	}
	if len(body.Rules) != 1 {
		return malformedXML()
	}
	rule := body.Rules[0]
	wanted := encryption{key: rule.Default.Key, bucketKey: rule.BucketKey}
	switch algorithm := rule.Default.Algorithm; {
	case algorithm == sseS3 && wanted.key != "":
		return invalidArgument("ApplyServerSideEncryptionByDefault", algorithm,
			"a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
	case algorithm == "aws:kms:dsse", algorithm == sseKMS && wanted.managed(): // see encryptionOf
		return notImplemented()
	case algorithm != sseS3 && algorithm != sseKMS:
		return malformedXML()
	}
	return s.change(w, r, http.StatusOK, func(b *bucket) { b.encryption = wanted })
}

func (s *Service) getEncryption(w http.ResponseWriter, r *request) error {
	x := newDocument("ServerSideEncryptionConfiguration")
	rule := x.start("Rule")
	byDefault := x.start("ApplyServerSideEncryptionByDefault")
	if r.encryption.managed() {
		x.element("SSEAlgorithm", sseS3)
	} else {
		x.element("SSEAlgorithm", sseKMS)
		x.element("KMSMasterKeyID", r.encryption.key)
	}
	byDefault()
	x.flag("BucketKeyEnabled", r.encryption.bucketKey)
	rule()
	return x.write(w)
}

func (s *Service) deleteEncryption(w http.ResponseWriter, r *request) error {
	return s.change(w, r, http.StatusNoContent, func(b *bucket) { b.encryption = encryption{} })
}
