package s3

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/problem"
)

// orAbsent looks behind the denial of a call that needs the object to be there. S3 denies what doesn't exist, too, unless the
// whole bucket may be listed (trap 34), which a connection limited to a folder never may. Below its folder it may, so that the
// two can be told apart. Any other error is returned as it is.
func (b *bucket) orAbsent(ctx context.Context, key string, err error) error {
	denied, ok := errors.AsType[*problem.Error](err)
	if !ok || denied.Code != problem.AWSAccessDenied {
		return err
	}
	switch denied.MissingAction {
	case "s3:GetObject", "s3:GetObjectAcl", "s3:ListBucket":
	default:
		return err
	}
	there, listErr := b.has(ctx, key)
	switch {
	case listErr != nil && denied.MissingAction == "s3:ListBucket":
		unsaid := *denied
		unsaid.Detail = "There is no such object, or AWS denied it: without s3:ListBucket it doesn't say which."
		return &unsaid
	case listErr != nil || there:
		return err
	}
	return problem.Wrap(problem.ObjectNotFound, "AWS knows no such object.", denied)
}

// has reports whether a listing shows the key: nothing that begins with it comes before it.
func (b *bucket) has(ctx context.Context, key string) (bool, error) {
	answer, err := b.list(ctx, &awss3.ListObjectsV2Input{Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, err
	}
	page, err := listed(answer)
	if err != nil {
		return false, err
	}
	return len(page.Items) > 0 && page.Items[0].Key == key, nil
}
