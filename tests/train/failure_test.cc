#include "server/train/failure.h"

#include <new>
#include <stdexcept>

#include "gtest/gtest.h"

namespace skew::train {
namespace {

TEST(FailureTest, StatusCodesHaveReasons) {
  EXPECT_EQ(FailureOf(absl::InvalidArgumentError("x")).reason(), v1::USER_CONFIG);
  EXPECT_EQ(FailureOf(absl::OutOfRangeError("x")).reason(), v1::NUMERIC);
  EXPECT_EQ(FailureOf(absl::InternalError("x")).reason(), v1::INTERNAL);
  EXPECT_EQ(FailureOf(absl::UnknownError("x")).reason(), v1::INTERNAL);
  EXPECT_EQ(FailureOf(absl::OutOfRangeError("loss is nan at step 3")).message(), "loss is nan at step 3");
}

TEST(FailureTest, WhatIsNotThereOrDamagedIsNotTheRunsFault) {
  for (const absl::Status& status :
       {absl::NotFoundError("x"), absl::PermissionDeniedError("x"), absl::DataLossError("x"),
        absl::FailedPreconditionError("x"), absl::UnavailableError("x"), absl::ResourceExhaustedError("x")}) {
    EXPECT_EQ(FailureOf(status).reason(), v1::PREEMPTED) << status;
  }
}

TEST(FailureTest, ExceptionsAreToldApartByTheirText) {
  struct Case {
    const char* text;
    v1::Reason reason;
  };
  for (const Case& c : {
           Case{"[enforce fail at alloc_cpu.cpp:75] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
                "allocate 9 bytes. Error code 12 (Cannot allocate memory)",
                v1::OUT_OF_MEMORY_HOST},
           Case{"CUDA out of memory. Tried to allocate 20.00 MiB", v1::OUT_OF_MEMORY_DEVICE},
           Case{"CUDA error: out of memory", v1::OUT_OF_MEMORY_DEVICE},
           Case{"CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", v1::OUT_OF_MEMORY_DEVICE},
           Case{"cuDNN error: CUDNN_STATUS_EXECUTION_FAILED", v1::DEVICE_FAULT},
           Case{"CUDA error: an illegal memory access was encountered", v1::DEVICE_FAULT},
           Case{"mat1 and mat2 shapes cannot be multiplied", v1::INTERNAL},
       }) {
    EXPECT_EQ(FailureOf(std::runtime_error(c.text)).reason(), c.reason) << c.text;
  }
  EXPECT_EQ(FailureOf(std::bad_alloc()).reason(), v1::OUT_OF_MEMORY_HOST);
  EXPECT_EQ(FailureOf(std::runtime_error("what\nand a stack trace")).message(), "what");
}

}  // namespace
}  // namespace skew::train
