package credentials_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/credentials"
)

// writes keeps what is written to a table.
type writes struct {
	credentials.DynamoDB
	updates []*awsdynamodb.UpdateItemInput
}

func (w *writes) UpdateItem(_ context.Context, in *awsdynamodb.UpdateItemInput, _ ...func(*awsdynamodb.Options)) (*awsdynamodb.UpdateItemOutput, error) {
	w.updates = append(w.updates, in)
	return &awsdynamodb.UpdateItemOutput{}, nil
}

// DynamoDB must not delete a lease while it holds: it is kept ten minutes longer. The entry's end is its own.
func TestTrap2LeasesOutliveWhatTheyAreFor(t *testing.T) {
	db := &writes{}
	table := credentials.NewTable(db, "cache")
	now := time.Now()
	until, expires := now.Add(3*time.Second), now.Add(time.Hour)
	if _, _, err := table.Lease(t.Context(), "id", "owner", 0, now, until); err != nil {
		t.Fatal(err)
	}
	if err := table.Put(t.Context(), "id", "owner", []byte("sealed"), "mark", expires); err != nil {
		t.Fatal(err)
	}
	got := map[string]types.AttributeValue{
		"lease": db.updates[0].ExpressionAttributeValues[":kept"], "entry": db.updates[1].ExpressionAttributeValues[":expires"],
	}
	number := func(at time.Time) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Unix(), 10)}
	}
	want := map[string]types.AttributeValue{"lease": number(until.Add(10 * time.Minute)), "entry": number(expires)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(types.AttributeValueMemberN{})); diff != "" {
		t.Errorf("expires_at (-want +got):\n%s", diff)
	}
}
