// list: an intrusive doubly linked list with a head node. Membership costs no allocation, unlinking no
// search. A node that is in no list points at itself.
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

// Visits every node; the body may remove the node it is given.
#define LIST_EACH(node, head)                                                                                \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head);                        \
         node = node##_next, node##_next = node->next)

static inline void list_init(struct list *l) {
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head) {
    return head->next == head;
}

static inline bool list_linked(const struct list *node) {
    return node->next != node;
}

static inline void list_push_back(struct list *head, struct list *node) {
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void list_remove(struct list *node) {
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#endif
