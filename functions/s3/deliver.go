package s3

import (
	"context"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// redirect answers with a presigned URL of the object. What the client asked for by headers it asks there again, so none of it is
// signed; and it ends with the credentials that sign it, whatever it says (trap 37), so it says so.
func redirect(
	ctx context.Context, client *awss3.Client, request *awss3.GetObjectInput, answer *awss3.GetObjectOutput,
) (*getObjectOutput, error) {
	now := time.Now()
	life := lifeOf(ctx, linkLife, now)
	signed := &awss3.GetObjectInput{Bucket: request.Bucket, Key: request.Key, ExpectedBucketOwner: request.ExpectedBucketOwner}
	if attached := disposition(*request.Key, answer); active(mediaType(answer)) {
		signed.ResponseContentDisposition = &attached
	}
	link, err := awss3.NewPresignClient(client).PresignGetObject(ctx, signed, awss3.WithPresignExpires(life))
	if err != nil {
		return nil, err
	}
	return &getObjectOutput{
		Status: http.StatusTemporaryRedirect, Location: link.URL, Expires: now.Add(life).UTC().Format(http.TimeFormat),
	}, nil
}

// mediaType is the type that the object was stored with.
func mediaType(answer *awss3.GetObjectOutput) string {
	if stored := aws.ToString(answer.ContentType); stored != "" {
		return stored
	}
	return "application/octet-stream"
}

// disposition is the one that the object was stored with; but whatever a browser could run is an attachment, so that an
// object can't act in the origin that serves it.
func disposition(key string, answer *awss3.GetObjectOutput) string {
	stored := aws.ToString(answer.ContentDisposition)
	if !active(mediaType(answer)) {
		return stored
	}
	name := ""
	if _, parameters, err := mime.ParseMediaType(stored); err == nil {
		name = parameters["filename"]
	}
	if name == "" {
		name = path.Base(key)
	}
	return attachment(name)
}

// attachment is the disposition of a download by that name.
func attachment(name string) string {
	if attached := mime.FormatMediaType("attachment", map[string]string{"filename": name}); attached != "" {
		return attached
	}
	return "attachment"
}

// active reports whether a browser could run an object of that type. Everything could but what is known not to: types are
// invented, and those that can't be read are guessed by browsers.
func active(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return true
	}
	switch media {
	case "text/plain", "text/csv", "text/tab-separated-values", "text/markdown", "application/json", "application/x-ndjson",
		"application/pdf", "application/octet-stream", "binary/octet-stream", "application/zip", "application/gzip", "application/x-directory":
		return false
	}
	kind, _, _ := strings.Cut(media, "/")
	switch kind {
	case "image", "audio", "video", "font":
		return strings.HasSuffix(media, "+xml")
	}
	return true
}
