package deployment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	locallambda "github.com/arngate/arngate/shared/localaws/lambda"
)

const (
	itemRoute = "/v1/dynamodb/orders/tables/Orders/item"
	counting  = "counting" // the function that counts its runs, and the connection to it
	logItem   = "log"      // whose list everyone appends to
)

func keyOfItem(id string) string { return "?key=" + url.QueryEscape(`{"id":"`+id+`"}`) }

func put(id string) string { return fmt.Sprintf(`{"table":"Orders","item":{"id":%q}}`, id) }

func addOne(id string) string {
	return fmt.Sprintf(`{"table":"Orders","key":{"id":%q},"add":{"n":1},"upsert":true}`, id)
}

func appendTo(id, mark string) string {
	return fmt.Sprintf(`{"table":"Orders","key":{"id":%q},"append":{"marks":[%q]},"upsert":true}`, id, mark)
}

// itemWrites are the ways to write items.
func itemWrites() []act {
	update := func(body func(mark string) string, id func(mark string) string) func(*world, string) request {
		return func(_ *world, mark string) request {
			return request{http.MethodPatch, itemRoute + keyOfItem(id(mark)), body(mark), nil}
		}
	}
	putRequest := func(condition string) func(*world, string) request {
		return func(_ *world, mark string) request {
			return request{http.MethodPut, itemRoute, fmt.Sprintf(`{"item":{"id":%q}%s}`, mark, condition), nil}
		}
	}
	same := func(mark string) string { return mark }
	return []act{
		{
			name: "append", request: update(func(mark string) string { return fmt.Sprintf(`{"append":{"marks":[%q]},"upsert":true}`, mark) },
				func(string) string { return logItem }),
			truth: func(w *world, mark string) ([]int, error) { return w.customer.all(w.customer.marksIn(logItem, mark)) },
		},
		{
			name: "add", request: update(func(string) string { return `{"add":{"n":1},"upsert":true}` }, same),
			truth: func(w *world, mark string) ([]int, error) { return w.customer.all(w.customer.number(mark)) },
		},
		{name: "put", request: putRequest(""), truth: itemIsThere},
		{name: "create", request: putRequest(`,"if":{"field":"id","op":"not_exists"}`), truth: itemIsThere},
		{
			name:    "delete-item",
			prepare: func(w *world, mark string) error { return w.customer.putItem(mark) },
			request: func(_ *world, mark string) request {
				return request{http.MethodDelete, itemRoute + keyOfItem(mark) + "&return=old", "", nil}
			},
			check: func(_ *world, mark string, a deploymenttest.Answer) string {
				return lacks(a.Body, mark) // deleted twice, the second time there is none
			},
			truth: func(w *world, mark string) ([]int, error) {
				there, err := itemIsThere(w, mark)
				return []int{1 - there[0]}, err
			},
		},
		transaction("transact", func(string) string { return "" }),
		transaction("transact-with-token", func(mark string) string { return fmt.Sprintf(`"token":%q,`, mark) }),
		{
			name: "write-several",
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/dynamodb/orders/writes", fmt.Sprintf(`{"writes":[{"put":%s},{"update":%s},{"update":%s}]}`,
					put(mark+"-0"), addOne(mark+"-1"), appendTo(mark+"-2", mark)), nil}
			},
			claims: claimsOfResults, truth: threeWrites,
		},
	}
}

// transaction is three writes, all or none.
func transaction(name string, token func(mark string) string) act {
	return act{
		name: name, whole: true, within: 9 * time.Minute, // the token's life is ten
		request: func(_ *world, mark string) request {
			return request{http.MethodPost, "/v1/dynamodb/orders/writes", fmt.Sprintf(
				`{"atomic":true,%s"writes":[{"put":%s},{"update":%s},{"update":%s}]}`,
				token(mark), put(mark+"-0"), addOne(mark+"-1"), appendTo(mark+"-2", mark)), nil}
		},
		truth: threeWrites,
	}
}

func threeWrites(w *world, mark string) ([]int, error) {
	there, err := itemIsThere(w, mark+"-0")
	if err != nil {
		return nil, err
	}
	added, err := w.customer.number(mark + "-1")
	if err != nil {
		return nil, err
	}
	appended, err := w.customer.marksIn(mark+"-2", mark)
	return append(there, added, appended), err
}

func claimsOfResults(a deploymenttest.Answer) ([]claim, error) {
	var answer struct {
		Results []struct {
			Status  int          `json:"status"`
			Problem problemShown `json:"problem"`
		} `json:"results"`
	}
	if err := json.Unmarshal([]byte(a.Body), &answer); err != nil {
		return nil, err
	}
	var claims []claim
	var errs error
	for _, result := range answer.Results {
		c, err := asDone, error(nil)
		if result.Status != http.StatusOK {
			c, err = result.Problem.claim(result.Status, true)
		}
		claims, errs = append(claims, c), errors.Join(errs, err)
	}
	return claims, errs
}

func lacks(body, word string) string {
	if strings.Contains(body, word) {
		return ""
	}
	return fmt.Sprintf("no %q in it", word)
}

func itemIsThere(w *world, id string) ([]int, error) {
	item, err := w.customer.item(id)
	if err != nil || item == nil {
		return []int{0}, err
	}
	return []int{1}, nil
}

func (*customerAccount) all(times int, err error) ([]int, error) { return []int{times}, err }

// item is an item as it is; nil if there is none.
func (c *customerAccount) item(id string) (map[string]types.AttributeValue, error) {
	out, err := c.dynamodb.GetItem(c.ctx(), &awsdynamodb.GetItemInput{
		TableName: aws.String(demosite.Table), Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("get item: %w", err)
	}
	return out.Item, nil
}

func (c *customerAccount) putItem(id string) error {
	_, err := c.dynamodb.PutItem(c.ctx(), &awsdynamodb.PutItemInput{
		TableName: aws.String(demosite.Table), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		return fmt.Errorf("put item: %w", err)
	}
	return nil
}

// number is what has been added to an item.
func (c *customerAccount) number(id string) (int, error) {
	item, err := c.item(id)
	n, ok := item["n"].(*types.AttributeValueMemberN)
	if err != nil || !ok {
		return 0, err
	}
	return strconv.Atoi(n.Value)
}

// marksIn is how often a mark is in an item's list.
func (c *customerAccount) marksIn(id, mark string) (int, error) {
	item, err := c.item(id)
	if err != nil {
		return 0, err
	}
	times := 0
	list, _ := item["marks"].(*types.AttributeValueMemberL)
	for i := 0; list != nil && i < len(list.Value); i++ {
		if got, ok := list.Value[i].(*types.AttributeValueMemberS); ok && got.Value == mark {
			times++
		}
	}
	return times, nil
}

// counter counts the runs of a function by what it was given. Safe for concurrent use.
type counter struct {
	mu   sync.Mutex
	runs map[string]int
}

func (c *counter) run(_ context.Context, in locallambda.Invocation) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runs == nil {
		c.runs = map[string]int{}
	}
	c.runs[string(in.Payload)]++
	return []byte(`{"run":` + string(in.Payload) + `}`), nil
}

func (c *counter) times(payload string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs[payload]
}

// register creates the function that counts its runs, and has the demo's role invoke it.
func (w *world) register() error {
	_, err := awsiam.NewFromConfig(w.Customer()).PutRolePolicy(w.customer.ctx(), &awsiam.PutRolePolicyInput{
		RoleName: aws.String(demosite.RoleName), PolicyName: aws.String(counting), PolicyDocument: aws.String(
			`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:*:*:function:counting"}}`),
	})
	if err != nil {
		return fmt.Errorf("put role policy: %w", err)
	}
	return w.AWS.Lambda().Register(demosite.Account, demosite.Region, locallambda.Function{Name: counting, Run: w.runs.run})
}

// invocations are the ways to invoke a function.
func invocations() []act {
	invoke := func(mode, answer string) act {
		return act{
			name: "invoke-" + mode,
			request: func(_ *world, mark string) request {
				return request{http.MethodPost, "/v1/lambda/counting/functions/counting/invocations?mode=" + mode, `"` + mark + `"`, nil}
			},
			check: func(_ *world, mark string, a deploymenttest.Answer) string {
				if answer == "" {
					return ""
				}
				return lacks(a.Body, mark)
			},
			truth: func(w *world, mark string) ([]int, error) { return []int{w.runs.times(`"` + mark + `"`)}, nil },
		}
	}
	return []act{invoke("sync", "run"), invoke("async", "")}
}
